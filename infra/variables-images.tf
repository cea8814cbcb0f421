# What images are made of, and which before anyone pulls them. By name.

variable "git_credentials" {
  description = <<-EOT
    Existing secrets of Secret Manager in this project, with which the worker reads private repositories of git: `netrc`, lines
    "machine git.example.org login NAME password TOKEN" for https; `ssh_key`, a private key without a passphrase, and
    `known_hosts`, as ssh-keyscan prints it. Their newest versions count when a worker starts. docs/sources.md says what they do not reach.
  EOT
  type = object({
    known_hosts = optional(string)
    netrc       = optional(string)
    ssh_key     = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for id in values(var.git_credentials) : id == null ? true : can(regex("^[A-Za-z0-9_-]+$", id))])
    error_message = "git_credentials holds the short names of secrets, as `gcloud secrets list` prints them."
  }
  validation {
    condition     = (var.git_credentials.ssh_key == null) == (var.git_credentials.known_hosts == null)
    error_message = "git_credentials has ssh_key and known_hosts together: a server that is not known is not logged in to."
  }
}

variable "package_source" {
  description = "Where packages come from, as DERIVERY_SOURCE has it: channel:NAME, git:URL[#REF] or flake:REF."
  type        = string
  default     = "channel:nixos-26.05"
  nullable    = false

  validation {
    condition     = can(regex("^(channel|git|flake):\\S+$", var.package_source))
    error_message = "package_source is channel:NAME, git:URL[#REF] or flake:REF: path: and debian name what is on a machine, and the workers have nothing there."
  }
}

variable "prebuild" {
  description = "Images that are made before anyone pulls them, as \"shell/git:latest\", and when, as cron writes it."
  type = object({
    images    = optional(list(string), [])
    schedule  = optional(string, "0 3 * * *")
    time_zone = optional(string, "Etc/UTC")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for image in var.prebuild.images : can(regex("^[^\\s:@]+(:[^\\s:@/]+)?$", image))])
    error_message = "prebuild.images holds names of images without the registry's, as \"shell/git\" or \"shell/git:latest\"."
  }
  validation {
    condition     = length(var.prebuild.images) <= 1000
    error_message = "prebuild.images has 1000 images at most, as many as one message may name."
  }
  validation {
    condition     = length(split(" ", trimspace(var.prebuild.schedule))) == 5
    error_message = "prebuild.schedule has the five fields of cron, as in \"0 3 * * *\"."
  }
  validation {
    condition     = length(var.prebuild.images) == 0 || var.worker_mode != "fleet" || var.fleet.min >= 1
    error_message = "prebuild needs fleet.min = 1 or more: a fleet grows with what someone waits for, and nobody does for these."
  }
}
