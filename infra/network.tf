# A network of the workers' own, into which nothing comes: without rules, Google's networks let everything out and nothing in.

resource "google_compute_network" "workers" {
  name                    = "${var.name}-workers"
  auto_create_subnetworks = false

  depends_on = [google_project_service.used]
}

resource "google_compute_subnetwork" "workers" {
  name          = "${var.name}-workers"
  ip_cidr_range = "10.0.0.0/24"
  network       = google_compute_network.workers.id
  region        = var.region

  # Google's own services without an address of one's own.
  private_ip_google_access = true
}

resource "google_compute_router" "workers" {
  count = var.worker.egress == "nat" ? 1 : 0

  name    = "${var.name}-workers"
  network = google_compute_network.workers.id
  region  = var.region
}

resource "google_compute_router_nat" "workers" {
  count = var.worker.egress == "nat" ? 1 : 0

  name                               = "${var.name}-workers"
  router                             = google_compute_router.workers[0].name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

# `gcloud compute ssh --tunnel-through-iap`, for those whom IAM lets (OS Login).
resource "google_compute_firewall" "ssh" {
  count = var.worker.ssh ? 1 : 0

  name          = "${var.name}-workers-ssh"
  network       = google_compute_network.workers.id
  direction     = "INGRESS"
  source_ranges = ["35.235.240.0/20"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}
