# What happens by the clock: a message each, which runs a function.

resource "google_cloud_scheduler_job" "janitor" {
  name        = "${var.name}-janitor"
  description = "Runs the janitor"
  region      = var.region
  schedule    = var.janitor_schedule
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic["maintenance"].id
    data       = base64encode("{}")
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_service.used]
}

resource "google_cloud_scheduler_job" "prebuild" {
  count = length(var.prebuild.images) == 0 ? 0 : 1

  name        = "${var.name}-prebuild"
  description = "Asks for the images that are made before anyone pulls them"
  region      = var.region
  schedule    = var.prebuild.schedule
  time_zone   = var.prebuild.time_zone

  pubsub_target {
    topic_name = google_pubsub_topic.topic["prebuilds"].id
    data       = base64encode(jsonencode({ images = var.prebuild.images }))
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_service.used]
}
