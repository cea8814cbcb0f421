# What both kinds of workers have in common (worker-on-demand.tf, worker-fleet.tf): a machine with a blank Debian 13, a disk for
# /nix, and in its metadata all that worker-vm/startup.sh makes a worker of.

locals {
  worker_name = "${var.name}-worker"
  zone        = coalesce(var.worker.zone, "${var.region}-b")

  worker_image = "projects/debian-cloud/global/images/family/debian-13"

  # The system, and what apt brings.
  worker_boot_gb = 20

  worker_vm = "${path.module}/worker-vm"

  worker_metadata = merge(
    {
      block-project-ssh-keys     = "true"
      enable-oslogin             = "true"
      serial-port-logging-enable = "true"
      startup-script             = file("${local.worker_vm}/startup.sh")

      derivery-bundle        = "${google_storage_bucket.bundles.name}/${google_storage_bucket_object.worker.name}"
      derivery-bundle-sha256 = local.worker_sha256
      derivery-node          = "${google_storage_bucket.bundles.name}/${google_storage_bucket_object.node.name}"
      derivery-node-sha256   = local.node_sha256

      derivery-environment = local.worker_environment_file
      derivery-nix-conf    = join("", [for part in local.worker_nix_conf : "${part}\n"])
    },
    # What private repositories are read with: names of secrets, never their content.
    {
      for file, id in { known-hosts = var.git_credentials.known_hosts, netrc = var.git_credentials.netrc, ssh-key = var.git_credentials.ssh_key } :
      "derivery-git-${file}" => id == null ? "none" : "projects/${var.project}/secrets/${id}/versions/latest"
    },
    {
      for name, file in {
        nftables-conf   = "derivery-nftables.conf"
        nix-daemon-conf = "derivery-nix-daemon.conf"
        ops-agent       = "ops-agent.yaml"
        roll-service    = "derivery-roll.service"
        worker-service  = "derivery-worker.service"
      } : "derivery-${name}" => file("${local.worker_vm}/${file}")
    },
  )

  worker_nix_conf = compact([
    trimspace(file("${local.worker_vm}/nix.conf")),
    # What they are built with is more than the daemon grants everybody (docs/images.md).
    contains(keys(var.settings), "DERIVERY_EXTRA_COMMANDS") ? "extra-trusted-users = derivery" : "",
    var.worker.nix_config,
  ])

  # systemd's EnvironmentFile: in double quotes everything stands for itself but `\`, `"`, `` ` `` and `$`.
  worker_environment_file = join("", [
    for name, value in merge(local.environment.worker, { NODE_ENV = "production" }) :
    "${name}=\"${replace(value, "/([\\\\\"`$])/", "\\$1")}\"\n"
  ])

  worker_scopes = ["https://www.googleapis.com/auth/cloud-platform"]

  # A block for an address of its own, or none.
  worker_addresses = var.worker.egress == "external-ip" ? [{}] : []

  # Google may take away a Spot machine, which then stops; others it moves and starts again.
  worker_scheduling = {
    automatic_restart           = !var.worker.spot
    instance_termination_action = var.worker.spot ? "STOP" : null
    on_host_maintenance         = var.worker.spot ? "TERMINATE" : "MIGRATE"
    preemptible                 = var.worker.spot
    provisioning_model          = var.worker.spot ? "SPOT" : "STANDARD"
  }
}
