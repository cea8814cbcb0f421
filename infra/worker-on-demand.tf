# One machine that a miss starts and idleness stops. It keeps its disk, and so Nix's store; stopped, the disks are all it costs.

resource "google_compute_disk" "nix" {
  count = local.on_demand ? 1 : 0

  name   = "${local.worker_name}-nix"
  labels = var.labels
  size   = var.worker.disk_gb
  type   = var.worker.disk_type
  zone   = local.zone

  depends_on = [google_project_service.used]
}

resource "google_compute_instance" "worker" {
  count = local.on_demand ? 1 : 0

  name         = local.worker_name
  description  = "Builds images. Started by the registry when there is something to build, stopped by itself when there is not"
  labels       = var.labels
  machine_type = var.worker.machine_type
  metadata     = local.worker_metadata
  zone         = local.zone

  # Whether it runs is not decided here: another apply leaves it as it is.
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image  = local.worker_image
      labels = var.labels
      size   = local.worker_boot_gb
      type   = var.worker.disk_type
    }
  }

  attached_disk {
    device_name = "nix"
    source      = google_compute_disk.nix[0].id
  }

  network_interface {
    subnetwork = google_compute_subnetwork.workers.id

    dynamic "access_config" {
      for_each = local.worker_addresses
      content {}
    }
  }

  scheduling {
    automatic_restart           = local.worker_scheduling.automatic_restart
    instance_termination_action = local.worker_scheduling.instance_termination_action
    on_host_maintenance         = local.worker_scheduling.on_host_maintenance
    preemptible                 = local.worker_scheduling.preemptible
    provisioning_model          = local.worker_scheduling.provisioning_model
  }

  service_account {
    email  = google_service_account.part["worker"].email
    scopes = local.worker_scopes
  }

  shielded_instance_config {
    enable_integrity_monitoring = true
    enable_secure_boot          = true
    enable_vtpm                 = true
  }

  lifecycle {
    # What a newer image has comes by apt; a new machine would bring nothing.
    ignore_changes = [boot_disk[0].initialize_params[0].image]
  }

  depends_on = [
    google_compute_router_nat.workers,
    google_project_iam_member.database,
    google_secret_manager_secret_iam_member.worker,
    google_storage_bucket_iam_member.keeps_blobs,
    google_storage_bucket_iam_member.keeps_snapshots,
    google_storage_bucket_iam_member.worker_fetches_bundle,
    google_storage_bucket_iam_member.worker_sees_bucket,
    google_pubsub_subscription_iam_member.worker,
  ]
}

# Of this one machine those who ask for builds may see how it stands, and start it: nothing else, and of no other. A fleet has the role
# too, and nobody in it: the name of a role that is deleted is not to be had again for five weeks, and a fleet may become a machine again.
resource "google_project_iam_custom_role" "starts_worker" {
  role_id     = "${replace(var.name, "-", "_")}_starts_worker"
  title       = "${var.name}: starts its worker"
  permissions = ["compute.instances.get", "compute.instances.start"]

  depends_on = [google_project_service.used]
}

resource "google_compute_instance_iam_member" "starts_worker" {
  for_each = local.on_demand ? toset(["janitor", "prebuild", "registry"]) : []

  instance_name = google_compute_instance.worker[0].name
  zone          = local.zone
  role          = google_project_iam_custom_role.starts_worker.name
  member        = google_service_account.part[each.key].member
}
