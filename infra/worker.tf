# What both kinds of workers have in common (worker-on-demand.tf, worker-fleet.tf): a machine with a blank Debian 13, a disk for
# /nix, and in its metadata all that worker-vm/startup.sh makes a worker of.

locals {
  worker_name = "${var.name}-worker"
  zone        = coalesce(var.worker.zone, "${var.region}-b")

  worker_image = "projects/debian-cloud/global/images/family/debian-13"

  # The system, and what apt brings.
  worker_boot_gb = 20

  worker_metadata = merge(
    {
      block-project-ssh-keys     = "true"
      enable-oslogin             = "true"
      serial-port-logging-enable = "true"
      startup-script             = file("${path.module}/worker-vm/startup.sh")

      derivery-bundle        = "${google_storage_bucket.bundles.name}/${google_storage_bucket_object.worker.name}"
      derivery-bundle-sha256 = local.worker_sha256
      derivery-environment   = local.worker_environment_file
    },
    # Each file by its name, as the startup script asks for it.
    {
      for file in [
        "derivery-worker.service",
        "derivery-roll.service",
        "derivery-nftables.conf",
        "derivery-nix-daemon.conf",
        "nix.conf",
        "ops-agent.yaml",
      ] : "derivery-file-${replace(file, ".", "-")}" => file("${path.module}/worker-vm/${file}")
    },
    { derivery-nix-config = var.worker.nix_config },
  )

  # systemd's EnvironmentFile: in double quotes everything stands for itself but `\`, `"`, `` ` `` and `$`.
  worker_environment_file = join("", [
    for name, value in merge(local.environment.worker, { NODE_ENV = "production" }) :
    "${name}=\"${replace(value, "/([\\\\\"`$])/", "\\$1")}\"\n"
  ])

  worker_scopes = ["https://www.googleapis.com/auth/cloud-platform"]
}
