# What redirects and tokens are signed with. Terraform makes both values as it writes them: `uuid()` is 122 bits of the system's
# randomness, known only while applying, and a write-only argument is in neither plan nor state. So one `terraform apply` is
# enough, and nobody has ever seen them. `secrets_version` replaces them; `existing_secrets` are made and replaced elsewhere.

locals {
  made_secrets = toset([for part in ["hop", "token"] : part if var.existing_secrets[part] == null])

  # The names of the secrets, and the version of each that counts.
  secrets = {
    for part in ["hop", "token"] : part => contains(local.made_secrets, part) ? {
      id      = google_secret_manager_secret.made[part].secret_id
      version = google_secret_manager_secret_version.made[part].version
      } : {
      id      = var.existing_secrets[part]
      version = "latest"
    }
  }

  users_folder = "/secrets"
  users_file   = "users"
}

resource "google_secret_manager_secret" "made" {
  for_each = local.made_secrets

  secret_id = "${var.name}-${each.key}"
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_version" "made" {
  for_each = local.made_secrets

  secret                 = google_secret_manager_secret.made[each.key].id
  secret_data_wo         = "${uuid()}${uuid()}"
  secret_data_wo_version = var.secrets_version

  lifecycle {
    # Instances that start meanwhile find one of the two.
    create_before_destroy = true
  }
}

# The worker's, for private repositories. One secret may serve as two.
resource "google_secret_manager_secret_iam_member" "worker" {
  for_each = toset([for id in values(var.git_credentials) : id if id != null])

  secret_id = each.key
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.part["worker"].member

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "registry" {
  for_each = merge(
    { for part, secret in local.secrets : part => secret.id },
    var.access.users_secret == null ? {} : { users = var.access.users_secret },
  )

  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.part["registry"].member
}
