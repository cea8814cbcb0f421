# What all of a deployment has in common. Two are needed, `project` and `region`; the others, here and in variables-*.tf, are
# choices. By name.

variable "bundle_dir" {
  description = "Folder of function.zip and worker.tar.gz, as `npm run build` makes them. Default: dist/ of the clone."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether `terraform destroy` is refused what holds data: the database and the bucket of blobs. To tear down: apply with false, then destroy."
  type        = bool
  default     = true
  nullable    = false
}

variable "firestore_location" {
  description = "Where the database lies, for good: a region, or a multi-region of Firestore's as eur3. Default: the region."
  type        = string
  default     = null

  validation {
    condition     = var.firestore_location == null ? true : can(regex("^([a-z]+-[a-z]+|eur|nam|asia)[0-9]+$", var.firestore_location))
    error_message = "firestore_location is a region, as europe-west1, or a multi-region of Firestore's, as eur3 or nam5."
  }
}

variable "labels" {
  description = "Labels of everything that can have some, besides `app`, which is the name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels have lower-case letters, digits, hyphens and underscores, 63 at most, as Google Cloud takes them; their keys begin with a letter."
  }
  validation {
    condition     = !contains(keys(var.labels), "app")
    error_message = "labels has app, which everything is given already: it is the name."
  }
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

variable "project" {
  description = "The id of the project in Google Cloud that everything is made in. It has to exist, and to have billing."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the id of a project, as `gcloud projects list` prints it: neither its name nor its number."
  }
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

variable "settings" {
  description = "Further settings of the programs, as the README lists them: { DERIVERY_COMPRESSION = \"zstd\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for value in values(var.settings) : value != null])
    error_message = "settings has what is null: leave it out."
  }
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
