# The registry: where it is, who may pull, and how much it answers. By name.

variable "access" {
  description = <<-EOT
    Who may pull. `mode`: "anonymous" (everyone), "users", or "both". `google_users`: Google identities, as
    "ci@project.iam.gserviceaccount.com" or "*@example.org"; they need `domain`. `users_secret`: an existing secret of
    Secret Manager with a file of users, as `htpasswd -B` writes it.
  EOT
  type = object({
    mode         = optional(string, "anonymous")
    google_users = optional(list(string), [])
    users_secret = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["anonymous", "users", "both"], var.access.mode)
    error_message = "access.mode is \"anonymous\", \"users\" or \"both\"."
  }
  validation {
    condition = var.access.mode == "anonymous" ? (
      length(var.access.google_users) == 0 && var.access.users_secret == null
      ) : (
      length(var.access.google_users) > 0 || var.access.users_secret != null
    )
    error_message = "access names users (google_users, users_secret or both) where its mode is \"users\" or \"both\", and only there."
  }
  validation {
    condition     = var.access.users_secret == null ? true : can(regex("^[A-Za-z0-9_-]+$", var.access.users_secret))
    error_message = "access.users_secret is the short name of a secret, as `gcloud secrets list` prints it."
  }
  validation {
    condition     = length(var.access.google_users) == 0 || var.domain != null
    error_message = "access.google_users needs domain: the ID tokens of Google have to be made out to a known address."
  }
  validation {
    condition     = alltrue([for user in var.access.google_users : can(regex("^[^@\\s]+@[^@\\s]+$", user))])
    error_message = "access.google_users holds e-mail addresses, or *@ and a domain."
  }
}

variable "cdn_domain" {
  description = <<-EOT
    Domain under which Cloud CDN hands out layers, as layers.example.org. It needs `domain` and `public_layers`, and must
    not lie below `domain`: clients would send their credentials there.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.cdn_domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.cdn_domain))
    error_message = "cdn_domain is a domain in lower case, as layers.example.org, without https:// and without a path."
  }
  validation {
    condition     = var.cdn_domain == null ? true : var.domain != null && var.public_layers
    error_message = "cdn_domain needs domain (its load balancer) and public_layers = true: Cloud CDN passes on no signed addresses of Cloud Storage."
  }
  validation {
    condition     = var.cdn_domain == null || var.domain == null ? true : var.cdn_domain != var.domain && !endswith(var.cdn_domain, ".${var.domain}")
    error_message = "cdn_domain must be neither domain nor below it: clients would send their credentials there."
  }
}

variable "domain" {
  description = "The registry's own domain, by a load balancer with a managed certificate. Default: the function's own address."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a domain in lower case, as registry.example.org, without https:// and without a path."
  }
}

variable "existing_secrets" {
  description = <<-EOT
    Secrets of Secret Manager in this project to be used in place of those that are made here: what redirects (`hop`) and
    tokens (`token`) are signed with. Their newest version counts when an instance starts.
  EOT
  type = object({
    hop   = optional(string)
    token = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for id in values(var.existing_secrets) : id == null ? true : can(regex("^[A-Za-z0-9_-]+$", id))])
    error_message = "existing_secrets holds the short names of secrets, as `gcloud secrets list` prints them."
  }
  validation {
    condition     = var.existing_secrets.hop == null || var.existing_secrets.hop != var.existing_secrets.token
    error_message = "existing_secrets are two: what signs redirects signs no tokens."
  }
}

variable "public_layers" {
  description = "Whether everyone may read the bucket of blobs, and no other, so that no addresses have to be signed. Whoever knows a layer's digest can then fetch it, also where `access` lets in only users."
  type        = bool
  default     = false
  nullable    = false
}

variable "registry" {
  description = <<-EOT
    The function that answers pulls. `min_instances`: 1 for no cold starts (about $10 a month). `concurrency`: requests that
    an instance has at a time; most of them wait. `timeout_seconds`: the longest that one may wait for its answer.
  EOT
  type = object({
    concurrency     = optional(number, 250)
    max_instances   = optional(number, 10)
    memory_mb       = optional(number, 512)
    min_instances   = optional(number, 0)
    timeout_seconds = optional(number, 300)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for value in values(var.registry) : floor(value) == value])
    error_message = "registry has whole numbers only."
  }
  validation {
    condition     = var.registry.concurrency >= 1 && var.registry.concurrency <= 1000
    error_message = "registry.concurrency is from 1 to 1000, as Cloud Run has it."
  }
  validation {
    condition     = var.registry.min_instances >= 0 && var.registry.max_instances >= 1 && var.registry.min_instances <= var.registry.max_instances
    error_message = "registry.min_instances is at least 0 and at most registry.max_instances."
  }
  validation {
    condition     = var.registry.memory_mb >= 512 && var.registry.memory_mb <= 4096
    error_message = "registry.memory_mb is from 512 (Cloud Run's least for one processor that many share) to 4096 (its most for one processor)."
  }
  validation {
    condition     = var.registry.timeout_seconds >= 60 && var.registry.timeout_seconds <= 3600
    error_message = "registry.timeout_seconds is from 60 to 3600: pulls wait within it, and Cloud Run ends what takes longer than an hour."
  }
}

variable "secrets_version" {
  description = "Counts the secrets that are made here: the next number replaces them by new ones, and starts the registry anew."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version is a whole number from 1 on."
  }
}
