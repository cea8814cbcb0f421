# The machines that build. By name.

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

variable "worker" {
  description = <<-EOT
    The machines that build. `build_slots`: images that each makes at a time, half its processors at most. `disk_gb`: the disk
    of /nix. `egress`: how they reach the network, "external-ip" (cheapest) or "nat". `idle_minutes`: with
    worker_mode = "on-demand", after how long without work one stops. `nix_config`: lines of nix.conf behind ours. `spot`: cheaper
    machines that Google may take away at any time. `ssh`: whether `gcloud compute ssh --tunnel-through-iap` gets in.
    `store_limit_gb`: the most that Nix's store may have of the disk; default, all but a rest. `zone`: default, the region's "b".
  EOT
  type = object({
    build_slots    = optional(number, 2)
    disk_gb        = optional(number, 200)
    disk_type      = optional(string, "pd-balanced")
    egress         = optional(string, "external-ip")
    idle_minutes   = optional(number, 15)
    machine_type   = optional(string, "e2-standard-4")
    nix_config     = optional(string, "")
    spot           = optional(bool, false)
    ssh            = optional(bool, false)
    store_limit_gb = optional(number)
    zone           = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.worker.build_slots >= 1 && floor(var.worker.build_slots) == var.worker.build_slots
    error_message = "worker.build_slots is a whole number from 1 on."
  }
  validation {
    condition     = var.worker.disk_gb >= 100 && floor(var.worker.disk_gb) == var.worker.disk_gb
    error_message = "worker.disk_gb is a whole number from 100 on: with less, Nix's store is always being emptied."
  }
  validation {
    condition     = can(regex("^(pd|hyperdisk)-[a-z-]+$", var.worker.disk_type))
    error_message = "worker.disk_type is a type of Compute Engine's disks, as pd-balanced or hyperdisk-balanced."
  }
  validation {
    condition     = can(regex("^[nc]4d?-", var.worker.machine_type)) ? startswith(var.worker.disk_type, "hyperdisk-") : true
    error_message = "worker.disk_type is \"hyperdisk-balanced\" where machine_type is of n4, n4d, c4 or c4d: these take no persistent disks."
  }
  validation {
    condition     = contains(["external-ip", "nat"], var.worker.egress)
    error_message = "worker.egress is \"external-ip\" or \"nat\"."
  }
  validation {
    condition     = var.worker.idle_minutes >= 1 && var.worker.idle_minutes <= 10080
    error_message = "worker.idle_minutes is from 1 to 10080, a week: workers that never rest are a fleet."
  }
  validation {
    condition     = var.worker.store_limit_gb == null ? true : var.worker.store_limit_gb >= 20 && var.worker.store_limit_gb <= var.worker.disk_gb
    error_message = "worker.store_limit_gb is from 20 to worker.disk_gb."
  }
  validation {
    condition     = can(regex("^[a-z][a-z0-9]*-[a-z0-9-]+$", var.worker.machine_type))
    error_message = "worker.machine_type is a type of Compute Engine's machines, as e2-standard-4."
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
