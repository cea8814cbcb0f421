# Derivery on Google Cloud: what a project and a region need to become a registry. See "Deploy it" in the README.
#
#   npm install && npm run build
#   terraform -chdir=infra init
#   terraform -chdir=infra apply -var project=PROJECT -var region=europe-west1

terraform {
  # Arguments that are written and never stored (secrets.tf) came with 1.11.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8.0"
    }
  }

  # The state names what is there and holds no secret. To keep it in a bucket, write backend.tf, which git ignores (docs/operate.md).
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { app = var.name }
}
