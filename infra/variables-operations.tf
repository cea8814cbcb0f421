# What happens by the clock, and who is told when something goes wrong. By name.

variable "alert_channels" {
  description = "Existing notification channels of Cloud Monitoring that alerts are sent to as well: Slack, PagerDuty, a topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.alert_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "alert_channels holds full names, as `gcloud beta monitoring channels list --format='value(name)'` prints them: projects/PROJECT/notificationChannels/NUMBER."
  }
}

variable "alert_emails" {
  description = "Whom alerts are sent to. Without any, and without alert_channels, they are only to be seen in the console."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "alert_emails holds e-mail addresses."
  }
  validation {
    condition     = length(distinct(var.alert_emails)) == length(var.alert_emails)
    error_message = "alert_emails has each address once."
  }
}

variable "janitor_schedule" {
  description = "How often the janitor runs, as cron writes it: every one to ten minutes."
  type        = string
  default     = "*/5 * * * *"
  nullable    = false

  validation {
    # The alerts count its runs: more seldom, builds_unclaimed could never come and janitor_gone would always be there.
    condition     = can(regex("^\\*(/([1-9]|10))? \\* \\* \\* \\*$", var.janitor_schedule))
    error_message = "janitor_schedule is every one to ten minutes, as in \"*/5 * * * *\": the janitor also finds the builds that nobody has taken."
  }
}
