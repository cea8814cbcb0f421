# Four topics. Workers pull from `builds` and `refreshes`; `prebuilds` and `maintenance` run functions (functions.tf).

locals {
  topics = { for topic in ["builds", "maintenance", "prebuilds", "refreshes"] : topic => "${var.name}-${topic}" }

  publishers = {
    for pair in setproduct(["builds", "refreshes"], ["janitor", "prebuild", "registry", "worker"]) :
    "${pair[1]} to ${pair[0]}" => { topic = pair[0], part = pair[1] }
  }
}

resource "google_pubsub_topic" "topic" {
  for_each = local.topics

  name   = each.value
  labels = var.labels

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.used]
}

# A message is a hint and the document the truth: what is lost or given up is asked for again by whoever waits, or by the janitor,
# and tries are counted in the document. So there are no dead letters, which nobody would read, and a day is long enough.
resource "google_pubsub_subscription" "pulled" {
  for_each = toset(["builds", "refreshes"])

  name                       = local.topics[each.key]
  topic                      = google_pubsub_topic.topic[each.key].id
  labels                     = var.labels
  message_retention_duration = "86400s"

  # A dead worker's message is back within a minute; a live one extends the deadline.
  ack_deadline_seconds = 60

  # By default a subscription that nobody pulls from is deleted after a month.
  expiration_policy {
    ttl = ""
  }

  # A hint that is given back comes again soon, but no build is tried over and over without a pause.
  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = local.publishers

  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.part[each.value.part].member
}

resource "google_pubsub_subscription_iam_member" "worker" {
  # The worker asks at its start whether they are there, which a subscriber alone may not.
  for_each = {
    for pair in setproduct(["builds", "refreshes"], ["roles/pubsub.subscriber", "roles/pubsub.viewer"]) :
    join(" ", pair) => { subscription = pair[0], role = pair[1] }
  }

  subscription = google_pubsub_subscription.pulled[each.value.subscription].name
  role         = each.value.role
  member       = google_service_account.part["worker"].member
}
