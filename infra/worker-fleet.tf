# A group of workers that grows with what waits. Each has a Nix store of its own, which is gone with it: binary caches fill it anew.

locals {
  # The backlog, in which builds under way count too: hints are acknowledged when their build has ended.
  backlog_filter = "resource.type = pubsub_subscription AND resource.labels.subscription_id = \"%s\""
}

resource "google_compute_region_instance_template" "worker" {
  count = local.on_demand ? 0 : 1

  name_prefix  = "${local.worker_name}-"
  labels       = var.labels
  machine_type = var.worker.machine_type
  metadata     = local.worker_metadata
  region       = var.region

  disk {
    auto_delete  = true
    boot         = true
    disk_size_gb = local.worker_boot_gb
    disk_type    = var.worker.disk_type
    labels       = var.labels
    mode         = "READ_WRITE"
    source_image = local.worker_image
    type         = "PERSISTENT"
  }

  disk {
    auto_delete  = true
    boot         = false
    device_name  = "nix"
    disk_size_gb = var.worker.disk_gb
    disk_type    = var.worker.disk_type
    labels       = var.labels
    mode         = "READ_WRITE"
    type         = "PERSISTENT"
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
    create_before_destroy = true
  }
}

# There is no autohealing. It needs a signal that says more than that the machine runs, and a way in for those who ask; and what it
# would mend is mended: a worker that ends is started again by systemd; one that hangs, or whose machine does, loses its builds to others
# with its leases, within DERIVERY_LEASE_SECONDS; a machine that is taken away the group makes again. What is left, workers that never
# come up, a new machine would not cure: the alerts tell of it (builds_unclaimed, worker_gone).
resource "google_compute_region_instance_group_manager" "workers" {
  count = local.on_demand ? 0 : 1

  name                      = "${local.worker_name}s"
  base_instance_name        = local.worker_name
  region                    = var.region
  distribution_policy_zones = var.worker.zone == null ? null : [var.worker.zone]

  # Wherever there are machines to be had: nothing is gained by moving a worker.
  distribution_policy_target_shape = "ANY"

  version {
    instance_template = google_compute_region_instance_template.worker[0].self_link
  }

  # A new bundle: new machines first, then the old ones go, and give their builds back as they do (SIGTERM).
  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    replacement_method           = "SUBSTITUTE"
    instance_redistribution_type = "NONE"
    # As many as there are zones: a group of a region takes no fewer.
    max_surge_fixed       = var.worker.zone == null ? 3 : 1
    max_unavailable_fixed = 0
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

resource "google_compute_region_autoscaler" "workers" {
  count = local.on_demand ? 0 : 1

  name   = "${local.worker_name}s"
  region = var.region
  target = google_compute_region_instance_group_manager.workers[0].id

  autoscaling_policy {
    cooldown_period = 300
    max_replicas    = var.fleet.max
    min_replicas    = var.fleet.min

    metric {
      name                       = "pubsub.googleapis.com/subscription/num_undelivered_messages"
      filter                     = format(local.backlog_filter, google_pubsub_subscription.pulled["builds"].name)
      single_instance_assignment = var.worker.build_slots
    }

    # Which machine goes is not said: seldom enough that most have nothing to give back.
    scale_in_control {
      time_window_sec = 600
      max_scaled_in_replicas {
        fixed = 1
      }
    }
  }
}
