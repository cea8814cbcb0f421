# What somebody should look at. The queries are PromQL, which may name figures that nobody has sent yet: an empty project has none.

locals {
  of_registry  = "monitored_resource=\"cloud_run_revision\",service_name=\"${var.name}-registry\""
  of_functions = "monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name}-(registry|prebuild|janitor)\""
  of_builds    = "monitored_resource=\"pubsub_subscription\",subscription_id=\"${local.topics.builds}\""
  of_workers   = "monitored_resource=\"gce_instance\",instance_name=~\"${local.worker_name}.*\""

  # As long as a build may take (DERIVERY_BUILD_SECONDS), and half an hour to begin.
  build_seconds = tonumber(lookup(var.settings, "DERIVERY_BUILD_SECONDS", 3600)) + 1800

  queries = {
    backlog    = "max(pubsub_googleapis_com:subscription_num_undelivered_messages{${local.of_builds}})"
    broken     = "sum(increase(${local.log_metric.builds_failed}{monitored_resource=\"gce_instance\",kind=~\"build_failed|gave_up\"}[1h]))"
    oldest     = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.of_builds}})"
    published  = "sum(increase(${local.log_metric.builds_published}{monitored_resource=\"gce_instance\"}[1h]))"
    requests   = "sum(increase(run_googleapis_com:request_count{${local.of_functions}}[10m]))"
    errors     = "sum(increase(run_googleapis_com:request_count{${local.of_functions},response_code_class=\"5xx\"}[10m]))"
    left_alone = "sum(increase(${local.log_metric.builds_left_alone}{monitored_resource=\"cloud_run_revision\"}[30m]))"
    janitor    = "sum(increase(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=\"${var.name}-janitor\"}[2h]))"
    workers    = "count(compute_googleapis_com:instance_cpu_utilization{${local.of_workers}})"
  }

  alerts = {
    builds_unclaimed = {
      says     = "nobody takes builds"
      severity = "CRITICAL"
      query    = "${local.queries.left_alone} >= 3"
      seconds  = 0
      means    = "Three runs of the janitor within half an hour found builds that no worker had taken for five minutes. Look whether a worker runs and what its log says last (component = worker); a worker whose settings change the bytes of images leaves builds of other settings alone."
    }
    builds_stuck = {
      says     = "a build takes longer than one may"
      severity = "WARNING"
      query    = "${local.queries.oldest} > ${local.build_seconds}"
      seconds  = 300
      means    = "The oldest hint of a build that someone waits for is half an hour older than DERIVERY_BUILD_SECONDS lets one take (an hour, where it is not set). Look what the worker is at."
    }
    builds_failing = {
      says     = "most builds fail"
      severity = "WARNING"
      query    = "${local.queries.broken} / (${local.queries.broken} + (${local.queries.published} or vector(0))) > 0.5 and ${local.queries.broken} >= 5"
      seconds  = 0
      means    = "Within an hour five builds or more failed while they were built, and fewer succeeded. Names that do not exist and packages that refuse do not count. Look at the lines \"build failed\": the same package over and over is the source's fault, all kinds of packages are the worker's (disk, network, binary cache)."
    }
    requests_failing = {
      says     = "requests fail"
      severity = "CRITICAL"
      query    = "${local.queries.errors} / ${local.queries.requests} > 0.05 and ${local.queries.errors} >= 5"
      seconds  = 0
      means    = "Within ten minutes more than a twentieth of what the functions were asked ended with 5xx. Look at the lines of severity ERROR and above of the function."
    }
    worker_gone = {
      says     = "there are builds and no worker"
      severity = "CRITICAL"
      query    = "(${local.queries.backlog} > 0) unless on() (${local.queries.workers} > 0)"
      seconds  = 900
      means    = "Hints have been waiting for a quarter of an hour, and no machine runs. On demand: the registry's log says why it cannot be started (no machines of this type in the zone, a quota, a permission). A fleet: the group of instances says it."
    }
    janitor_gone = {
      says     = "the janitor does not run"
      severity = "WARNING"
      query    = "absent(${local.queries.janitor} > 0)"
      seconds  = 3600
      means    = "For hours nothing has run the janitor, which sends lost hints again and collects what nobody uses. Look at the job of Cloud Scheduler and at the trigger of the function."
    }
  }
}

locals {
  alert_channels = concat(
    [for email in var.alert_emails : google_monitoring_notification_channel.email[email].id],
    var.alert_channels,
  )
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = var.labels

  lifecycle {
    # Goes after the alerts have let go of it: what is in use Google does not delete.
    create_before_destroy = true
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  display_name          = "${var.name}: ${each.value.says}"
  combiner              = "OR"
  notification_channels = local.alert_channels
  severity              = each.value.severity
  user_labels           = var.labels

  conditions {
    display_name = each.value.says

    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = "${each.value.seconds}s"
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }

  documentation {
    content   = each.value.means
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.line]
}
