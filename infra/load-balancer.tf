# An own domain: a load balancer before the registry, and where asked for Cloud CDN before the bucket.

locals {
  balanced = var.domain == null ? {} : { registry = var.domain }
  domains  = compact([var.domain, var.cdn_domain])
}

resource "google_compute_global_address" "front" {
  for_each = local.balanced

  name = "${var.name}-front"

  depends_on = [google_project_service.used]
}

resource "google_compute_region_network_endpoint_group" "registry" {
  for_each = local.balanced

  name                  = "${var.name}-registry"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloudfunctions2_function.registry.name
  }
}

# How long a request may take is the function's to say: the load balancer lets those of functions have an hour.
resource "google_compute_backend_service" "registry" {
  for_each = local.balanced

  name                  = "${var.name}-registry"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  # Compressed, a manifest is no longer what its digest says.
  compression_mode = "DISABLED"

  backend {
    group = google_compute_region_network_endpoint_group.registry[each.key].id
  }
}

resource "google_compute_backend_bucket" "blobs" {
  count = var.cdn_domain == null ? 0 : 1

  name             = "${var.name}-blobs"
  bucket_name      = google_storage_bucket.blobs.name
  enable_cdn       = true
  compression_mode = "DISABLED"

  # Blobs are named by their content, and say themselves that they never change. What is not there now may be in a moment.
  cdn_policy {
    cache_mode         = "USE_ORIGIN_HEADERS"
    negative_caching   = false
    request_coalescing = true
  }

  lifecycle {
    # Goes after the URL map has let go of it: what is in use Google does not delete.
    create_before_destroy = true
  }
}

resource "google_compute_url_map" "front" {
  for_each = local.balanced

  name            = "${var.name}-front"
  default_service = google_compute_backend_service.registry[each.key].id

  dynamic "host_rule" {
    for_each = var.cdn_domain[*]

    content {
      hosts        = [host_rule.value]
      path_matcher = "blobs"
    }
  }

  dynamic "path_matcher" {
    for_each = var.cdn_domain[*]

    content {
      name = "blobs"

      # Of the bucket only the blobs.
      default_url_redirect {
        host_redirect          = var.domain
        path_redirect          = "/"
        redirect_response_code = "FOUND"
        strip_query            = true
      }

      path_rule {
        paths   = ["/blobs/*"]
        service = google_compute_backend_bucket.blobs[0].id
      }
    }
  }
}

resource "google_compute_managed_ssl_certificate" "front" {
  for_each = local.balanced

  # A certificate cannot be changed: another set of domains is another certificate.
  name = "${var.name}-front-${substr(md5(join(" ", local.domains)), 0, 8)}"

  managed {
    domains = local.domains
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.used]
}

resource "google_compute_target_https_proxy" "front" {
  for_each = local.balanced

  name             = "${var.name}-front"
  url_map          = google_compute_url_map.front[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.front[each.key].id]
}

resource "google_compute_global_forwarding_rule" "front" {
  for_each = local.balanced

  name                  = "${var.name}-front"
  ip_address            = google_compute_global_address.front[each.key].id
  load_balancing_scheme = "EXTERNAL_MANAGED"
  port_range            = "443"
  target                = google_compute_target_https_proxy.front[each.key].id
}
