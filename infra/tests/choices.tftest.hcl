# What each choice comes to. Nothing is asked of Google: `terraform test` needs no credentials.

mock_provider "google" {}

variables {
  project    = "demo-project"
  region     = "europe-west1"
  bundle_dir = "tests/bundles"
}

run "defaults" {
  command = plan

  assert {
    condition     = google_compute_instance.worker[0].zone == "europe-west1-b" && length(google_compute_region_autoscaler.workers) == 0
    error_message = "one machine, on demand"
  }
  assert {
    condition     = google_storage_bucket.blobs.public_access_prevention == "enforced" && length(google_storage_bucket_iam_member.everyone_reads) == 0
    error_message = "nobody reads the bucket of blobs"
  }
  assert {
    condition     = google_firestore_database.state.delete_protection_state == "DELETE_PROTECTION_ENABLED" && !google_storage_bucket.blobs.force_destroy
    error_message = "data is protected"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].ingress_settings == "ALLOW_ALL" && length(google_compute_url_map.front) == 0
    error_message = "the function itself is the front"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_TRUSTED_PROXIES"] == "1"
    error_message = "Cloud Run's front end is the only proxy"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_WORKER_INSTANCE"] == "projects/demo-project/zones/europe-west1-b/instances/derivery-worker"
    error_message = "the registry knows which machine to start"
  }
  assert {
    condition     = google_project_iam_custom_role.starts_worker.permissions == toset(["compute.instances.get", "compute.instances.start"]) && toset(keys(google_compute_instance_iam_member.starts_worker)) == toset(["janitor", "prebuild", "registry"])
    error_message = "those who ask for builds may start a machine, and nothing else"
  }
  assert {
    condition     = length(google_cloud_scheduler_job.prebuild) == 0
    error_message = "there is nothing to prebuild"
  }
  assert {
    condition     = length(google_compute_firewall.ssh) == 0 && length(google_compute_router_nat.workers) == 0
    error_message = "nothing comes in, and no NAT is paid for"
  }
  assert {
    condition     = alltrue([for subscription in google_pubsub_subscription.pulled : one(subscription.expiration_policy).ttl == ""])
    error_message = "subscriptions do not expire"
  }
  assert {
    condition     = output.topics.prebuilds == "derivery-prebuilds"
    error_message = "the topic of prebuilds is told"
  }
}

run "a_fleet" {
  command = plan

  variables {
    worker_mode = "fleet"
    fleet       = { min = 0, max = 4 }
    worker      = { spot = true }
  }

  assert {
    condition     = length(google_compute_instance.worker) == 0 && length(google_compute_instance_iam_member.starts_worker) == 0
    error_message = "no machine of its own, and nobody to start one"
  }
  assert {
    condition     = one(google_compute_region_autoscaler.workers[0].autoscaling_policy).min_replicas == 0 && one(google_compute_region_autoscaler.workers[0].autoscaling_policy).max_replicas == 4
    error_message = "as few and as many as was said"
  }
  assert {
    condition     = one(google_compute_region_instance_template.worker[0].scheduling).provisioning_model == "SPOT"
    error_message = "Spot machines"
  }
  assert {
    condition     = !can(google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_WORKER_INSTANCE"])
    error_message = "the registry starts nothing"
  }
}

run "a_spot_machine" {
  command = plan

  variables {
    worker = { spot = true, egress = "nat", ssh = true, zone = "europe-west1-d" }
  }

  assert {
    condition     = google_compute_instance.worker[0].zone == "europe-west1-d" && one(google_compute_instance.worker[0].scheduling).provisioning_model == "SPOT"
    error_message = "a Spot machine in that zone"
  }
  assert {
    condition     = length(google_compute_router_nat.workers) == 1 && length(one(google_compute_instance.worker[0].network_interface).access_config) == 0
    error_message = "behind a NAT without an address of its own"
  }
  assert {
    condition     = one(google_compute_firewall.ssh[*].source_ranges) == toset(["35.235.240.0/20"])
    error_message = "SSH comes in through IAP only"
  }
}

run "an_own_domain" {
  command = plan

  variables {
    domain = "registry.example.org"
  }

  assert {
    condition     = output.registry_host == "registry.example.org" && output.pull_command == "docker pull registry.example.org/shell/git"
    error_message = "the host is the domain"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"
    error_message = "nobody goes round the load balancer"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_TRUSTED_PROXIES"] == "2"
    error_message = "the load balancer is another proxy"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_PUBLIC_URL"] == "https://registry.example.org"
    error_message = "the registry knows its name"
  }
  assert {
    condition     = length(google_compute_backend_bucket.blobs) == 0
    error_message = "no CDN"
  }
}

run "a_cdn" {
  command = plan

  variables {
    domain        = "registry.example.org"
    cdn_domain    = "layers.example.org"
    public_layers = true
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_BLOB_URL"] == "https://layers.example.org/blobs"
    error_message = "layers come from the CDN"
  }
  assert {
    condition     = one(google_compute_backend_bucket.blobs).enable_cdn
    error_message = "a CDN before the bucket"
  }
  assert {
    condition     = one(google_compute_managed_ssl_certificate.front["registry"].managed).domains == tolist(["registry.example.org", "layers.example.org"])
    error_message = "a certificate for both"
  }
}

run "public_layers" {
  command = plan

  variables {
    public_layers = true
  }

  assert {
    condition     = one(google_storage_bucket_iam_member.everyone_reads).role == "roles/storage.legacyObjectReader" && google_storage_bucket.blobs.public_access_prevention == "inherited"
    error_message = "everyone reads, and nobody lists"
  }
  assert {
    condition     = length(google_service_account_iam_member.registry_signs) == 0
    error_message = "nothing is signed"
  }
}

run "users" {
  command = plan

  variables {
    domain = "registry.example.org"
    access = { mode = "users", users_secret = "people", google_users = ["*@example.org", "a@example.com"] }
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_USERS_FILE"] == "/secrets/users"
    error_message = "the file of users is mounted"
  }
  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_GOOGLE_USERS"] == "*@example.org a@example.com"
    error_message = "Google's identities are listed"
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.registry["users"].secret_id == "people"
    error_message = "the registry may read the secret"
  }
}

run "existing_secrets" {
  command = plan

  variables {
    existing_secrets = { hop = "our-hops" }
  }

  assert {
    condition     = join(" ", keys(google_secret_manager_secret.made)) == "token"
    error_message = "only the other one is made"
  }
  assert {
    condition     = one([for secret in google_cloudfunctions2_function.registry.service_config[0].secret_environment_variables : "${secret.secret} ${secret.version}" if secret.key == "DERIVERY_HOP_SECRET"]) == "our-hops latest"
    error_message = "the registry has ours"
  }
}

run "no_secrets_of_its_own" {
  command = plan

  variables {
    existing_secrets = { hop = "our-hops", token = "our-tokens" }
  }

  assert {
    condition     = length(google_secret_manager_secret.made) == 0
    error_message = "none is made"
  }
}

run "prebuilds" {
  command = plan

  variables {
    prebuild = { images = ["shell/git:latest"], schedule = "30 2 * * *" }
  }

  assert {
    condition     = base64decode(one(google_cloud_scheduler_job.prebuild[0].pubsub_target).data) == "{\"images\":[\"shell/git:latest\"]}"
    error_message = "the message names the image"
  }
}

run "settings" {
  command = plan

  variables {
    settings = { DERIVERY_COMPRESSION = "zstd", DERIVERY_BUILD_SECONDS = "600" }
  }

  assert {
    condition = alltrue([
      for environment in concat(
        [google_cloudfunctions2_function.registry.service_config[0].environment_variables],
        values(google_cloudfunctions2_function.event)[*].service_config[0].environment_variables,
      ) : environment["DERIVERY_COMPRESSION"] == "zstd" && !contains(keys(environment), "DERIVERY_BUILD_SECONDS")
    ])
    error_message = "functions have what they read"
  }
  assert {
    condition     = strcontains(google_compute_instance.worker[0].metadata["derivery-environment"], "DERIVERY_COMPRESSION=\"zstd\"\n") && strcontains(google_compute_instance.worker[0].metadata["derivery-environment"], "DERIVERY_BUILD_SECONDS=\"600\"\n")
    error_message = "the worker has both"
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.alert["builds_stuck"].conditions[0].condition_prometheus_query_language[0].query, "> 2400")
    error_message = "a build is stuck when it takes longer than it may"
  }
}

run "without_protection" {
  command = plan

  variables {
    deletion_protection = false
  }

  assert {
    condition     = google_firestore_database.state.deletion_policy == "DELETE" && google_firestore_database.state.delete_protection_state == "DELETE_PROTECTION_DISABLED" && google_storage_bucket.blobs.force_destroy
    error_message = "it can be torn down"
  }
}

run "another_place_and_name" {
  command = plan

  variables {
    name               = "images"
    region             = "us-central1"
    firestore_location = "nam5"
    labels             = { team = "platform" }
  }

  assert {
    condition     = google_firestore_database.state.name == "images" && google_firestore_database.state.location_id == "nam5"
    error_message = "the database is named, and where it was said"
  }

  assert {
    condition     = google_storage_bucket.blobs.name == "demo-project-images-blobs" && google_storage_bucket.blobs.location == "us-central1"
    error_message = "the bucket is in the region"
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_DATABASE"] == "images" && google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_BUILDS_TOPIC"] == "images-builds"
    error_message = "the programs know the names"
  }

  assert {
    condition     = google_compute_instance.worker[0].zone == "us-central1-b"
    error_message = "the worker is in the region"
  }

  assert {
    condition     = google_compute_instance.worker[0].labels["team"] == "platform" && google_storage_bucket.blobs.labels["team"] == "platform" && google_cloudfunctions2_function.registry.labels["team"] == "platform"
    error_message = "labels are on what can have some"
  }
}

run "a_larger_registry" {
  command = plan

  variables {
    registry = { concurrency = 500, max_instances = 20, memory_mb = 1024, min_instances = 1, timeout_seconds = 900 }
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].max_instance_request_concurrency == 500 && google_cloudfunctions2_function.registry.service_config[0].timeout_seconds == 900 && google_cloudfunctions2_function.registry.service_config[0].available_memory == "1024Mi"
    error_message = "so many requests, for so long, in so much memory"
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].min_instance_count == 1 && google_cloudfunctions2_function.registry.service_config[0].max_instance_count == 20
    error_message = "as few and as many instances as was said"
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_CONCURRENCY"] == "500" && google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_REQUEST_LIMIT_SECONDS"] == "900"
    error_message = "the program knows how many wait, and how long they may"
  }

  assert {
    condition     = strcontains(google_cloudfunctions2_function.registry.service_config[0].environment_variables["NODE_OPTIONS"], "--max-old-space-size=512")
    error_message = "Node has its part of the memory"
  }
}

run "a_larger_worker" {
  command = plan

  variables {
    worker = { build_slots = 4, disk_gb = 500, disk_type = "hyperdisk-balanced", idle_minutes = 60, machine_type = "c4-standard-8", nix_config = "cores = 4", store_limit_gb = 400 }
  }

  assert {
    condition     = google_compute_instance.worker[0].machine_type == "c4-standard-8" && google_compute_disk.nix[0].size == 500
    error_message = "a larger machine with a larger disk"
  }

  assert {
    condition     = google_compute_disk.nix[0].type == "hyperdisk-balanced" && google_compute_instance.worker[0].boot_disk[0].initialize_params[0].type == "hyperdisk-balanced"
    error_message = "disks that it takes"
  }

  assert {
    condition     = alltrue([for line in ["DERIVERY_BUILD_SLOTS=\"4\"", "DERIVERY_IDLE_MINUTES=\"60\"", "DERIVERY_STORE_LIMIT_GB=\"400\""] : strcontains(google_compute_instance.worker[0].metadata["derivery-environment"], "${line}\n")])
    error_message = "the worker knows its slots, its patience and its limit"
  }

  assert {
    condition     = endswith(google_compute_instance.worker[0].metadata["derivery-nix-conf"], "\ncores = 4\n")
    error_message = "lines for Nix come last"
  }
}

run "packages_of_private_git" {
  command = plan

  variables {
    package_source  = "git:https://git.example.org/packages.git#main"
    git_credentials = { known_hosts = "hosts", netrc = "netrc", ssh_key = "key" }
  }

  assert {
    condition     = google_cloudfunctions2_function.registry.service_config[0].environment_variables["DERIVERY_SOURCE"] == "git:https://git.example.org/packages.git#main"
    error_message = "packages come from there"
  }

  assert {
    condition     = google_compute_instance.worker[0].metadata["derivery-git-netrc"] == "projects/demo-project/secrets/netrc/versions/latest" && google_compute_instance.worker[0].metadata["derivery-git-ssh-key"] == "projects/demo-project/secrets/key/versions/latest" && google_compute_instance.worker[0].metadata["derivery-git-known-hosts"] == "projects/demo-project/secrets/hosts/versions/latest"
    error_message = "the worker knows the names of the secrets"
  }

  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.worker)) == toset(["hosts", "key", "netrc"])
    error_message = "and may read these"
  }
}

run "schedules" {
  command = plan

  variables {
    janitor_schedule = "*/10 * * * *"
    prebuild         = { images = ["shell/git:latest"], schedule = "30 2 * * 1-5", time_zone = "Europe/Berlin" }
  }

  assert {
    condition     = google_cloud_scheduler_job.janitor.schedule == "*/10 * * * *"
    error_message = "the janitor runs every ten minutes"
  }

  assert {
    condition     = google_cloud_scheduler_job.prebuild[0].schedule == "30 2 * * 1-5" && google_cloud_scheduler_job.prebuild[0].time_zone == "Europe/Berlin"
    error_message = "images are asked for by the clock of Berlin"
  }
}

run "alerts" {
  command = plan

  variables {
    alert_emails   = ["ops@example.org", "night@example.org"]
    alert_channels = ["projects/demo-project/notificationChannels/4711"]
  }

  assert {
    condition     = toset(values(google_monitoring_notification_channel.email)[*].labels["email_address"]) == toset(["night@example.org", "ops@example.org"])
    error_message = "a channel for each"
  }

  assert {
    condition     = length(google_monitoring_alert_policy.alert) == 6 && length(local.alert_channels) == 3 && contains(local.alert_channels, "projects/demo-project/notificationChannels/4711")
    error_message = "every alert goes to these and to those that are there"
  }
}

run "new_secrets" {
  command = plan

  variables {
    secrets_version = 2
  }

  assert {
    condition     = alltrue([for version in google_secret_manager_secret_version.made : version.secret_data_wo_version == 2])
    error_message = "both are written again"
  }
}
