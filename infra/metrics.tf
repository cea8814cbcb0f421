# Figures that the programs' own lines in the log come to. Their messages are held to the code by test/infra/terraform.

locals {
  log_metrics = {
    builds_failed = {
      component = "worker"
      message   = "build failed"
      says      = "Builds that ended with a reason why not, by its kind"
      labels    = ["kind"]
    }
    builds_interrupted = {
      component = "worker"
      message   = "build interrupted; it will be tried again"
      says      = "Builds that something got in the way of: network, disk, services"
      labels    = []
    }
    builds_left_alone = {
      component = "janitor"
      message   = "builds that were left alone have their hints again"
      says      = "Runs of the janitor that found builds which no worker had taken for minutes"
      labels    = []
    }
    builds_published = {
      component = "worker"
      message   = "build published"
      says      = "Images made"
      labels    = []
    }
    requests_failed = {
      component = "registry"
      message   = "a request failed"
      says      = "Requests that the registry has no answer for"
      labels    = []
    }
  }

  # A metric's name in PromQL.
  log_metric = {
    for name in keys(local.log_metrics) :
    name => "logging_googleapis_com:user_${replace(var.name, "-", "_")}_${name}"
  }
}

resource "google_logging_metric" "line" {
  for_each = local.log_metrics

  name        = "${replace(var.name, "-", "_")}/${each.key}"
  description = each.value.says
  filter      = <<-EOT
    resource.type = (${each.value.component == "worker" ? "gce_instance" : "cloud_run_revision"})
    jsonPayload.component = "${each.value.component}"
    jsonPayload.message = "${each.value.message}"
  EOT

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  depends_on = [google_project_service.used]
}
