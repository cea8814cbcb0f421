# What is refused, each by its variable, and so with a sentence that says why.

mock_provider "google" {}

variables {
  project    = "demo-project"
  region     = "europe-west1"
  bundle_dir = "tests/bundles"
}

run "access_of_no_kind" {
  command = plan

  variables {
    access = { mode = "nobody" }
  }

  expect_failures = [var.access]
}

run "users_without_users" {
  command = plan

  variables {
    access = { mode = "users" }
  }

  expect_failures = [var.access]
}

run "users_where_nobody_asks" {
  command = plan

  variables {
    access = { google_users = ["a@example.org"] }
    domain = "registry.example.org"
  }

  expect_failures = [var.access]
}

run "google_users_without_domain" {
  command = plan

  variables {
    access = { mode = "users", google_users = ["a@example.org"] }
  }

  expect_failures = [var.access]
}

run "a_key_for_unknown_hosts" {
  command = plan

  variables {
    git_credentials = { ssh_key = "git-ssh-key" }
  }

  expect_failures = [var.git_credentials]
}

run "credentials_in_place_of_their_secret" {
  command = plan

  variables {
    git_credentials = { netrc = "machine git.example.org login me password secret" }
  }

  expect_failures = [var.git_credentials]
}

run "alerts_to_nobody" {
  command = plan

  variables {
    alert_emails = ["ops"]
  }

  expect_failures = [var.alert_emails]
}

run "cdn_domain_that_is_a_url" {
  command = plan

  variables {
    cdn_domain    = "https://layers.example.org"
    domain        = "registry.example.org"
    public_layers = true
  }

  expect_failures = [var.cdn_domain]
}

run "cdn_without_domain" {
  command = plan

  variables {
    cdn_domain    = "layers.example.org"
    public_layers = true
  }

  expect_failures = [var.cdn_domain]
}

run "cdn_of_private_layers" {
  command = plan

  variables {
    cdn_domain = "layers.example.org"
    domain     = "registry.example.org"
  }

  expect_failures = [var.cdn_domain]
}

run "cdn_below_domain" {
  command = plan

  variables {
    cdn_domain    = "layers.example.org"
    domain        = "example.org"
    public_layers = true
  }

  expect_failures = [var.cdn_domain]
}

run "domain_that_is_a_url" {
  command = plan

  variables {
    domain = "https://registry.example.org/"
  }

  expect_failures = [var.domain]
}

run "secret_by_its_long_name" {
  command = plan

  variables {
    existing_secrets = { hop = "projects/demo/secrets/hop" }
  }

  expect_failures = [var.existing_secrets]
}

run "fleet_upside_down" {
  command = plan

  variables {
    fleet = { min = 4, max = 3 }
  }

  expect_failures = [var.fleet]
}

run "janitor_without_a_schedule" {
  command = plan

  variables {
    janitor_schedule = "daily"
  }

  expect_failures = [var.janitor_schedule]
}

run "name_too_long" {
  command = plan

  variables {
    name = "a-name-that-is-much-too-long"
  }

  expect_failures = [var.name]
}

run "source_on_a_machine" {
  command = plan

  variables {
    package_source = "path:/srv/packages"
  }

  expect_failures = [var.package_source]
}

run "prebuild_without_a_schedule" {
  command = plan

  variables {
    prebuild = { schedule = "nightly" }
  }

  expect_failures = [var.prebuild]
}

run "project_by_its_name" {
  command = plan

  variables {
    project = "Demo Project"
  }

  expect_failures = [var.project]
}

run "region_that_is_a_zone" {
  command = plan

  variables {
    region = "europe-west1-b"
  }

  expect_failures = [var.region]
}

run "too_little_memory" {
  command = plan

  variables {
    registry = { memory_mb = 256 }
  }

  expect_failures = [var.registry]
}

run "hour_is_not_enough" {
  command = plan

  variables {
    registry = { timeout_seconds = 4000 }
  }

  expect_failures = [var.registry]
}

run "more_at_least_than_at_most" {
  command = plan

  variables {
    registry = { min_instances = 11 }
  }

  expect_failures = [var.registry]
}

run "too_much_at_a_time" {
  command = plan

  variables {
    registry = { concurrency = 2000 }
  }

  expect_failures = [var.registry]
}

run "secrets_of_no_version" {
  command = plan

  variables {
    secrets_version = 0
  }

  expect_failures = [var.secrets_version]
}

run "setting_that_nobody_reads" {
  command = plan

  variables {
    settings = { DERIVERY_COMPRESION = "zstd" }
  }

  expect_failures = [var.settings]
}

run "setting_that_is_decided" {
  command = plan

  variables {
    settings = { DERIVERY_BUCKET = "mine" }
  }

  expect_failures = [var.settings]
}

run "worker_without_slots" {
  command = plan

  variables {
    worker = { build_slots = 0 }
  }

  expect_failures = [var.worker]
}

run "worker_with_a_small_disk" {
  command = plan

  variables {
    worker = { disk_gb = 20 }
  }

  expect_failures = [var.worker]
}

run "worker_out_of_nowhere" {
  command = plan

  variables {
    worker = { egress = "vpn" }
  }

  expect_failures = [var.worker]
}

run "worker_elsewhere" {
  command = plan

  variables {
    worker = { zone = "us-central1-a" }
  }

  expect_failures = [var.worker]
}

run "worker_that_never_rests" {
  command = plan

  variables {
    worker = { idle_minutes = 0 }
  }

  expect_failures = [var.worker]
}

run "worker_of_another_kind" {
  command = plan

  variables {
    worker = { machine_type = "c4a-standard-4" }
  }

  expect_failures = [var.worker]
}

run "worker_mode_of_no_kind" {
  command = plan

  variables {
    worker_mode = "serverless"
  }

  expect_failures = [var.worker_mode]
}

run "alerts_by_the_name_of_a_channel" {
  command = plan

  variables {
    alert_channels = ["#ops"]
  }

  expect_failures = [var.alert_channels]
}

run "users_secret_by_its_long_name" {
  command = plan

  variables {
    access = { mode = "users", users_secret = "projects/demo/secrets/users" }
  }

  expect_failures = [var.access]
}

run "database_in_a_zone" {
  command = plan

  variables {
    firestore_location = "europe-west1-b"
  }

  expect_failures = [var.firestore_location]
}

run "labels_in_capitals" {
  command = plan

  variables {
    labels = { Team = "Platform" }
  }

  expect_failures = [var.labels]
}

run "label_that_is_taken" {
  command = plan

  variables {
    labels = { app = "mine" }
  }

  expect_failures = [var.labels]
}

run "fleet_of_nobody" {
  command = plan

  variables {
    fleet = { min = 0, max = 0 }
  }

  expect_failures = [var.fleet]
}

run "fleet_of_halves" {
  command = plan

  variables {
    fleet = { min = 0.5 }
  }

  expect_failures = [var.fleet]
}

run "prebuild_of_an_address" {
  command = plan

  variables {
    prebuild = { images = ["https://registry.example.org/shell/git"] }
  }

  expect_failures = [var.prebuild]
}

run "prebuild_of_too_much" {
  command = plan

  variables {
    prebuild = { images = [for number in range(1001) : "shell/git:${number}"] }
  }

  expect_failures = [var.prebuild]
}

run "half_a_request" {
  command = plan

  variables {
    registry = { concurrency = 1.5 }
  }

  expect_failures = [var.registry]
}

run "worker_with_half_a_gigabyte" {
  command = plan

  variables {
    worker = { disk_gb = 100.5 }
  }

  expect_failures = [var.worker]
}

run "worker_with_a_disk_of_no_kind" {
  command = plan

  variables {
    worker = { disk_type = "ssd" }
  }

  expect_failures = [var.worker]
}

run "worker_with_a_disk_that_it_does_not_take" {
  command = plan

  variables {
    worker = { machine_type = "n4-standard-8" }
  }

  expect_failures = [var.worker]
}

run "worker_by_its_size" {
  command = plan

  variables {
    worker = { machine_type = "large" }
  }

  expect_failures = [var.worker]
}

run "worker_with_a_store_larger_than_its_disk" {
  command = plan

  variables {
    worker = { disk_gb = 200, store_limit_gb = 300 }
  }

  expect_failures = [var.worker]
}

run "users_of_another_kind" {
  command = plan

  variables {
    access = { mode = "users", google_users = ["a@example.org *@example.com"] }
    domain = "registry.example.org"
  }

  expect_failures = [var.access]
}

run "alerts_twice" {
  command = plan

  variables {
    alert_emails = ["ops@example.org", "ops@example.org"]
  }

  expect_failures = [var.alert_emails]
}

run "one_secret_for_two" {
  command = plan

  variables {
    existing_secrets = { hop = "ours", token = "ours" }
  }

  expect_failures = [var.existing_secrets]
}

run "janitor_once_a_day" {
  command = plan

  variables {
    janitor_schedule = "0 3 * * *"
  }

  expect_failures = [var.janitor_schedule]
}

run "prebuilds_of_nobody" {
  command = plan

  variables {
    fleet       = { min = 0 }
    prebuild    = { images = ["shell/git:latest"] }
    worker_mode = "fleet"
  }

  expect_failures = [var.prebuild]
}

run "setting_of_nothing" {
  command = plan

  variables {
    settings = { DERIVERY_COMPRESSION = null }
  }

  expect_failures = [var.settings]
}

run "worker_that_rests_once_a_month" {
  command = plan

  variables {
    worker = { idle_minutes = 43200 }
  }

  expect_failures = [var.worker]
}

run "bundles_that_are_not_made" {
  command = plan

  variables {
    bundle_dir = "tests/only-node"
  }

  expect_failures = [google_storage_bucket_object.function, google_storage_bucket_object.worker]
}
