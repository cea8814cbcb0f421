# Two are needed, `project` and `region`; the others are choices. By name.

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
    condition     = length(var.access.google_users) == 0 || var.domain != null
    error_message = "access.google_users needs domain: the ID tokens of Google have to be made out to a known address."
  }
}

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

variable "bundle_dir" {
  description = "Folder of function.zip and worker.tar.gz, as `npm run build` makes them. Default: dist/ of the clone."
  type        = string
  default     = null
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

variable "deletion_protection" {
  description = "Whether `terraform destroy` is refused what holds data: the database and the bucket of blobs. To tear down: apply with false, then destroy."
  type        = bool
  default     = true
  nullable    = false
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
}

variable "firestore_location" {
  description = "Where the database lies, for good. Default: the region."
  type        = string
  default     = null
}

variable "fleet" {
  description = "With worker_mode = \"fleet\": how few and how many workers there are. With min = 0 the first pull after a rest waits some minutes for one."
  type = object({
    min = optional(number, 1)
    max = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.fleet.min >= 0 && var.fleet.max >= 1 && var.fleet.min <= var.fleet.max && floor(var.fleet.min) == var.fleet.min && floor(var.fleet.max) == var.fleet.max
    error_message = "fleet.min and fleet.max are whole numbers with 0 <= min <= max and max >= 1."
  }
}

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

variable "labels" {
  description = "Labels of everything that can have some."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "What the names of everything begin with: several registries in one project differ by it."
  type        = string
  default     = "derivery"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{3,18}[a-z0-9]$", var.name))
    error_message = "name has 5 to 20 lower-case letters, digits and hyphens, and begins with a letter: names of service accounts and of the database are made of it."
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
    condition     = length(var.prebuild.images) <= 1000
    error_message = "prebuild.images has 1000 images at most, as many as one message may name."
  }
  validation {
    condition     = length(split(" ", trimspace(var.prebuild.schedule))) == 5
    error_message = "prebuild.schedule has the five fields of cron, as in \"0 3 * * *\"."
  }
}

variable "project" {
  description = "The id of the project in Google Cloud that everything is made in. It has to exist, and to have billing."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the id of a project, as `gcloud projects list` prints it: neither its name nor its number."
  }
}

variable "public_layers" {
  description = "Whether everyone may read the bucket of blobs, and no other, so that no addresses have to be signed. Whoever knows a layer's digest can then fetch it, also where `access` lets in only users."
  type        = bool
  default     = false
  nullable    = false
}

variable "region" {
  description = "The region of everything, as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region, as europe-west1: not a zone, and not a multi-region as EU."
  }
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

variable "settings" {
  description = "Further settings of the programs, as the README lists them: { DERIVERY_COMPRESSION = \"zstd\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(setsubtract(keys(var.settings), local.known_settings)) == 0
    error_message = format(
      "settings has what no program reads: %s. The README lists them all.",
      join(", ", setsubtract(keys(var.settings), local.known_settings)),
    )
  }
  validation {
    condition = length(setintersection(keys(var.settings), keys(local.decided_settings))) == 0
    error_message = format(
      "settings has what other variables decide: %s.",
      join(", ", setintersection(keys(var.settings), keys(local.decided_settings))),
    )
  }
}

variable "worker" {
  description = <<-EOT
    The machines that build. `build_slots`: images that each makes at a time, half its processors at most. `disk_gb`: the disk
    of /nix. `egress`: how they reach the network, "external-ip" (cheapest) or "nat". `idle_minutes`: with
    worker_mode = "on-demand", after how long without work one stops. `spot`: cheaper machines that Google may take away at
    any time. `ssh`: whether `gcloud compute ssh --tunnel-through-iap` gets in. `zone`: default, the region's "b".
  EOT
  type = object({
    build_slots  = optional(number, 2)
    disk_gb      = optional(number, 200)
    disk_type    = optional(string, "pd-balanced")
    egress       = optional(string, "external-ip")
    idle_minutes = optional(number, 15)
    machine_type = optional(string, "e2-standard-4")
    nix_config   = optional(string, "")
    spot         = optional(bool, false)
    ssh          = optional(bool, false)
    zone         = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.worker.build_slots >= 1 && floor(var.worker.build_slots) == var.worker.build_slots
    error_message = "worker.build_slots is a whole number from 1 on."
  }
  validation {
    condition     = var.worker.disk_gb >= 100
    error_message = "worker.disk_gb is 100 or more: with less, Nix's store is always being emptied."
  }
  validation {
    condition     = contains(["external-ip", "nat"], var.worker.egress)
    error_message = "worker.egress is \"external-ip\" or \"nat\"."
  }
  validation {
    condition     = var.worker.idle_minutes >= 1
    error_message = "worker.idle_minutes is 1 or more."
  }
  validation {
    condition     = !can(regex("^(c4a|t2a|n4a|a4x)-", var.worker.machine_type))
    error_message = "worker.machine_type is one with x86-64 processors: the bundle brings its own Node for these."
  }
  validation {
    condition     = var.worker.zone == null ? true : startswith(var.worker.zone, "${var.region}-")
    error_message = "worker.zone is a zone of the region."
  }
}

variable "worker_mode" {
  description = <<-EOT
    "on-demand": one machine, which a miss starts and idleness stops; at rest only its disk costs. "fleet": a group that grows
    with what waits (see `fleet`).
  EOT
  type        = string
  default     = "on-demand"
  nullable    = false

  validation {
    condition     = contains(["on-demand", "fleet"], var.worker_mode)
    error_message = "worker_mode is \"on-demand\" or \"fleet\"."
  }
}
