# The environment of each program: what is decided here, and what `settings` adds, for those that read it. The lists are
# held to the code by test/infra/terraform.

locals {
  cloud_settings = [
    "DERIVERY_BUILDS_TOPIC",
    "DERIVERY_DATABASE",
    "DERIVERY_REFRESHES_TOPIC",
    "GOOGLE_CLOUD_PROJECT",
  ]

  # They change the bytes of images: all programs have to agree on them.
  image_settings = [
    "DERIVERY_COMPRESSION",
    "DERIVERY_CONTENTS",
    "DERIVERY_EXTRA_COMMANDS",
    "DERIVERY_GID",
    "DERIVERY_INDEXES",
    "DERIVERY_LAYER_BUDGET",
    "DERIVERY_NIXPKGS_CONFIG",
    "DERIVERY_OVERLAY",
    "DERIVERY_UID",
  ]

  pull_settings = [
    "DERIVERY_FRESH_SECONDS",
    "DERIVERY_STALE_SECONDS",
  ]

  source_settings = [
    "DERIVERY_SOURCE",
    "DERIVERY_SOURCES",
  ]

  offer_settings = [
    "DERIVERY_PACKAGE_LIMIT",
    "DERIVERY_PLATFORMS",
  ]

  retention_settings = [
    "DERIVERY_BLOB_GRACE_HOURS",
    "DERIVERY_KEEP_DAYS",
    "DERIVERY_TOMBSTONE_HOURS",
  ]

  bucket_settings = [
    "DERIVERY_BUCKET",
    "DERIVERY_SNAPSHOTS_BUCKET",
  ]

  worker_machine_settings = [
    "DERIVERY_COMPUTE_ENDPOINT",
    "DERIVERY_WORKER_INSTANCE",
  ]

  settings_read_by = {
    registry = concat(local.cloud_settings, local.image_settings, local.pull_settings, local.source_settings, local.offer_settings, local.retention_settings, local.worker_machine_settings, [
      "DERIVERY_ACCESS",
      "DERIVERY_ANONYMOUS_BUILDS_PER_HOUR",
      "DERIVERY_ANONYMOUS_PULLS_PER_MINUTE",
      "DERIVERY_ANONYMOUS_WAITING_PULLS",
      "DERIVERY_BLOB_URL",
      "DERIVERY_BUCKET_ACCESS",
      "DERIVERY_CHALLENGE",
      "DERIVERY_CONCURRENCY",
      "DERIVERY_GOOGLE_KEYS_URL",
      "DERIVERY_GOOGLE_USERS",
      "DERIVERY_HEAD_DIGEST",
      "DERIVERY_HOLD_SECONDS",
      "DERIVERY_HOP_SECRET",
      "DERIVERY_LONG_HOLD_SECONDS",
      "DERIVERY_MANIFEST_CACHE_MB",
      "DERIVERY_PUBLIC_URL",
      "DERIVERY_REQUEST_LIMIT_SECONDS",
      "DERIVERY_RETRY_SECONDS",
      "DERIVERY_SIGNING_ENDPOINT",
      "DERIVERY_TAG_CACHE_SECONDS",
      "DERIVERY_TOKENINFO_URL",
      "DERIVERY_TOKEN_SECRET",
      "DERIVERY_TOTAL_WAIT_SECONDS",
      "DERIVERY_TRUSTED_PROXIES",
      "DERIVERY_USERS_FILE",
      "DERIVERY_USER_BUILDS_PER_HOUR",
      "DERIVERY_USER_PULLS_PER_MINUTE",
      "DERIVERY_USER_WAITING_PULLS",
    ])

    prebuild = concat(local.cloud_settings, local.image_settings, local.pull_settings, local.source_settings, local.offer_settings, local.worker_machine_settings)

    janitor = concat(local.cloud_settings, local.image_settings, local.pull_settings, local.retention_settings, local.bucket_settings, local.worker_machine_settings, [
      "DERIVERY_JANITOR_DRY_RUN",
      "DERIVERY_POPULAR_IMAGES",
    ])

    worker = concat(local.cloud_settings, local.image_settings, local.pull_settings, local.source_settings, local.bucket_settings, [
      "DERIVERY_ARCHIVES_URL",
      "DERIVERY_BUILDS_SUBSCRIPTION",
      "DERIVERY_BUILD_MEMORY_MB",
      "DERIVERY_BUILD_SECONDS",
      "DERIVERY_BUILD_SLOTS",
      "DERIVERY_CHANNELS_URL",
      "DERIVERY_CLOSURE_LIMIT_MB",
      "DERIVERY_DEBIAN_SET",
      "DERIVERY_EVALUATION_MEMORY_MB",
      "DERIVERY_EVALUATION_SECONDS",
      "DERIVERY_IDLE_MINUTES",
      "DERIVERY_LEASE_SECONDS",
      "DERIVERY_NIX_STORE",
      "DERIVERY_REFRESHES_SUBSCRIPTION",
      "DERIVERY_SPOOL",
      "DERIVERY_STORE_FREE_GB",
      "DERIVERY_STORE_LIMIT_GB",
      "NIX_CONFIG",
    ])
  }

  known_settings = toset(flatten(values(local.settings_read_by)))

  on_demand = var.worker_mode == "on-demand"

  # Null: not set. What is refused in `settings` has its key here in any case.
  decided_settings = {
    DERIVERY_ACCESS                 = var.access.mode
    DERIVERY_BLOB_URL               = var.cdn_domain == null ? "https://storage.googleapis.com/${local.blob_bucket}/blobs" : "https://${var.cdn_domain}/blobs"
    DERIVERY_BUCKET                 = local.blob_bucket
    DERIVERY_BUCKET_ACCESS          = var.public_layers ? "public" : "private"
    DERIVERY_BUILDS_SUBSCRIPTION    = local.topics.builds
    DERIVERY_BUILDS_TOPIC           = local.topics.builds
    DERIVERY_BUILD_SLOTS            = tostring(var.worker.build_slots)
    DERIVERY_CONCURRENCY            = tostring(var.registry.concurrency)
    DERIVERY_DATABASE               = var.name
    DERIVERY_DEBIAN_SET             = null
    DERIVERY_GOOGLE_USERS           = length(var.access.google_users) == 0 ? null : join(" ", var.access.google_users)
    DERIVERY_HOP_SECRET             = null
    DERIVERY_IDLE_MINUTES           = local.on_demand ? tostring(var.worker.idle_minutes) : null
    DERIVERY_NIX_STORE              = null
    DERIVERY_PUBLIC_URL             = var.domain == null ? null : "https://${var.domain}"
    DERIVERY_REFRESHES_SUBSCRIPTION = local.topics.refreshes
    DERIVERY_REFRESHES_TOPIC        = local.topics.refreshes
    DERIVERY_REQUEST_LIMIT_SECONDS  = tostring(var.registry.timeout_seconds)
    DERIVERY_SOURCE                 = var.package_source
    DERIVERY_SNAPSHOTS_BUCKET       = local.snapshot_bucket
    # On the disk of /nix: what is known of packages is worth keeping just as long.
    DERIVERY_SPOOL          = "/nix/derivery/spool"
    DERIVERY_STORE_LIMIT_GB = var.worker.store_limit_gb == null ? null : tostring(var.worker.store_limit_gb)
    DERIVERY_TOKEN_SECRET   = null
    # Cloud Run's front end, and the load balancer before it.
    DERIVERY_TRUSTED_PROXIES = var.domain == null ? "1" : "2"
    DERIVERY_USERS_FILE      = var.access.users_secret == null ? null : "${local.users_folder}/${local.users_file}"
    DERIVERY_WORKER_INSTANCE = local.on_demand ? "projects/${var.project}/zones/${local.zone}/instances/${local.worker_name}" : null
    GOOGLE_CLOUD_PROJECT     = var.project
    # /etc/nix/nix.conf: the daemon believes no other (worker-vm/).
    NIX_CONFIG = null
  }

  settings = merge(var.settings, { for name, value in local.decided_settings : name => value if value != null })

  environment = {
    for program, names in local.settings_read_by :
    program => { for name, value in local.settings : name => value if contains(names, name) }
  }
}
