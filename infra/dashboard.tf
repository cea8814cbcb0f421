# The same figures as the alerts', to look at.

locals {
  charts = [
    { title = "Requests in 10 minutes", queries = { all = local.queries.requests, "5xx" = local.queries.errors } },
    { title = "Builds in an hour", queries = { published = local.queries.published, failed = local.queries.broken } },
    { title = "Hints of builds that someone waits for", queries = { waiting = local.queries.backlog } },
    { title = "Age of the oldest of them, in seconds", queries = { oldest = local.queries.oldest } },
    { title = "Workers", queries = { running = local.queries.workers } },
    { title = "Runs of the janitor that found builds left alone", queries = { runs = local.queries.left_alone } },
    {
      title = "Time to answer, in ms, 95 % within"
      queries = {
        registry = "histogram_quantile(0.95, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{${local.of_registry}}[10m])))"
      }
    },
    {
      title   = "Instances of the registry"
      queries = { instances = "sum(run_googleapis_com:container_instance_count{${local.of_registry}})" }
    },
  ]
}

resource "google_monitoring_dashboard" "overview" {
  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 12
      tiles = [
        for index, chart in local.charts : {
          xPos   = index % 2 * 6
          yPos   = floor(index / 2) * 4
          width  = 6
          height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [
                for legend, query in chart.queries : {
                  legendTemplate  = legend
                  plotType        = "LINE"
                  targetAxis      = "Y1"
                  timeSeriesQuery = { prometheusQuery = query }
                }
              ]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.line]
}
