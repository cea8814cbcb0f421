# Every choice made otherwise than by default.

access = {
  mode         = "both"
  google_users = ["ci@demo-project.iam.gserviceaccount.com", "*@example.org"]
  users_secret = "registry-users"
}

alert_channels      = ["projects/demo-project/notificationChannels/4711"]
alert_emails        = ["ops@example.org"]
cdn_domain          = "layers.example.org"
deletion_protection = false
domain              = "registry.example.org"
existing_secrets    = { token = "registry-token" }
firestore_location  = "eur3"
janitor_schedule    = "*/10 * * * *"
labels              = { team = "platform" }
name                = "images"
package_source      = "git:https://git.example.org/packages.git#main"
public_layers       = true
secrets_version     = 2
worker_mode         = "fleet"

git_credentials = {
  known_hosts = "git-known-hosts"
  netrc       = "git-netrc"
  ssh_key     = "git-ssh-key"
}

fleet = {
  min = 1
  max = 5
}

prebuild = {
  images    = ["shell/git:latest", "shell/curl:latest"]
  schedule  = "30 2 * * *"
  time_zone = "Europe/Berlin"
}

registry = {
  concurrency     = 500
  max_instances   = 20
  memory_mb       = 1024
  min_instances   = 1
  timeout_seconds = 900
}

settings = {
  DERIVERY_COMPRESSION    = "zstd"
  DERIVERY_NIXPKGS_CONFIG = "{\"allowUnfree\": true}"
  DERIVERY_PLATFORMS      = "linux/amd64 linux/arm64"
  DERIVERY_EXTRA_COMMANDS = "echo \"$HOME\" `date` \\ >etc/made"
}

worker = {
  build_slots    = 4
  disk_gb        = 500
  egress         = "nat"
  machine_type   = "e2-standard-8"
  nix_config     = "extra-platforms = aarch64-linux"
  spot           = true
  ssh            = true
  store_limit_gb = 400
  zone           = "europe-west1-c"
}
