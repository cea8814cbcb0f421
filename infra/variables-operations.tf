# What happens by the clock, and who is told when something goes wrong. By name.

variable "alert_emails" {
  description = "Whom alerts are sent to. Without any, they are only to be seen in the console."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "alert_emails holds e-mail addresses."
  }
}

variable "janitor_schedule" {
  description = "When the janitor runs, as cron writes it, in UTC."
  type        = string
  default     = "*/5 * * * *"
  nullable    = false

  validation {
    condition     = length(split(" ", trimspace(var.janitor_schedule))) == 5
    error_message = "janitor_schedule has the five fields of cron, as in \"*/5 * * * *\"."
  }
}
