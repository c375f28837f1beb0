variable "project" {
  description = "The id of an existing Google Cloud project with billing. Buckets are named after it."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Where everything is, such as europe-west1."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is like europe-west1."
  }
}

variable "release" {
  description = "The tag of the images that are to run, such as v1.4.0 or the commit: a new one for every build."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", var.release)) && var.release != "latest"
    error_message = "A release is a tag of up to 63 lower-case letters, digits, dots and hyphens, and not latest."
  }
}

variable "build_images" {
  description = "Build the release's images from this checkout, with ko, and push them. False where they are in the registry already. For delivery = push only."
  type        = bool
  default     = true
}

variable "size" {
  description = "small: a household and some 10,000 images. large: many people and a million images; the database then has a standby."
  type        = string
  default     = "small"
  validation {
    condition     = contains(["small", "large"], var.size)
    error_message = "The size is small or large."
  }
}

variable "delivery" {
  description = "How events come to the services. push: Pub/Sub calls them, on Cloud Run, where they are deployed, too. pull: they fetch them, on App Engine or in a cluster, where they are deployed by other means."
  type        = string
  default     = "push"
  validation {
    condition     = contains(["push", "pull"], var.delivery)
    error_message = "Events are delivered by push or pull."
  }
}

variable "cluster" {
  description = "The services are in a cluster of Google's Kubernetes Engine, which is there already: its accounts may act for the services', and there is an address for its load balancer. With delivery = pull."
  type        = bool
  default     = false
}

variable "telemetry" {
  description = "Send traces to Cloud Trace and measurements to Google's managed Prometheus, by a collector beside each service (in a cluster, one for all). It costs memory, processor time, and some time of each cold start."
  type        = bool
  default     = true
}

variable "public_origin" {
  description = "Scheme and host by which browsers reach the gallery, such as https://photos.example.org. Empty for the address that Cloud Run gives."
  type        = string
  default     = ""
  validation {
    condition     = var.public_origin == "" || can(regex("^https://[a-z0-9.-]+$", var.public_origin))
    error_message = "The public origin is like https://photos.example.org, without a path."
  }
}

variable "sign_in" {
  description = "password: accounts of Sajin's own. iap: Cloud IAP, for viewers. For delivery = push only; elsewhere the services' files say it."
  type        = string
  default     = "password"
  validation {
    condition     = contains(["password", "iap"], var.sign_in)
    error_message = "People sign in by password or iap."
  }
}

variable "viewers" {
  description = "Who may pass Cloud IAP, such as user:ada@example.org. For sign_in = iap, with delivery = push, only."
  type        = set(string)
  default     = []
}

variable "database_connection" {
  description = "connector: Cloud SQL's connector within the program, signed in by the service account. socket: the socket that Cloud Run makes, with passwords that are made for it; for delivery = push only."
  type        = string
  default     = "connector"
  validation {
    condition     = contains(["connector", "socket"], var.database_connection)
    error_message = "The database is reached by connector or socket."
  }
}

variable "database_admin" {
  description = "The address of the account that applies: it is made an administrator of the database, to say there what the services may do. Empty for the one that Google knows it as."
  type        = string
  default     = ""
}

variable "alert_email" {
  description = "Who is told when something is wrong. Empty: nobody is, and the alerts are seen in the console only."
  type        = string
  default     = ""
}

variable "billing_account" {
  description = "The id of the billing account, such as 012345-6789AB-CDEF01, for the budget. Empty for none."
  type        = string
  default     = ""
}

variable "budget" {
  description = "What a month may cost, in whole units of the billing account's currency, before somebody is told."
  type        = number
  default     = 50
  validation {
    condition     = var.budget > 0 && floor(var.budget) == var.budget
    error_message = "The budget is a whole number greater than 0."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy the database and the pictures. Set it to false, and apply, before a terraform destroy."
  type        = bool
  default     = true
}
