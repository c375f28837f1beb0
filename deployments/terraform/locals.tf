# What is deployed is written down once, in ../cloudrun, for an example project.
# Here the files are read, and this project is put in.
locals {
  number = data.google_project.this.number
  push   = var.delivery == "push" && !var.cluster
  kind   = var.cluster ? "cluster" : var.delivery # Cloud Run, App Engine, or a cluster
  origin = { for name in keys(local.names) : name => "https://sajin-${name}-${local.number}.${var.region}.run.app" }
  names  = { upload = true, catalog = true, web = true }

  public_origin = var.public_origin == "" ? local.origin.web : var.public_origin
  registry      = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
  images        = { for name in ["upload", "catalog", "web", "sajin"] : name => "${local.registry}/${name}:${var.release}" }

  jobs = toset(["migrate", "collectstatic", "sweep", "sweep-all", "purge"])
  # Those that come before the services, and those that run on a clock, in UTC.
  before   = toset(["migrate", "collectstatic"])
  schedule = { sweep = "7,37 * * * *", sweep-all = "40 3 * * 0", purge = "22,52 * * * *" }

  files = merge(
    { for name in keys(local.names) : name => "${path.module}/../cloudrun/${name}.yaml" },
    { for name in local.jobs : "job-${name}" => "${path.module}/../cloudrun/job-${name}.yaml" },
  )
  # Those that are deployed. Where nothing sleeps, the services have clocks of their
  # own; a cluster has a job of its own for the schemas, too.
  services  = local.push ? local.names : {}
  made      = { push = local.jobs, pull = local.before, cluster = toset([]) }[local.kind]
  scheduled = local.push ? local.schedule : {}
  documents = {
    for name, file in local.files : name => yamldecode(replace(replace(replace(replace(file(file),
      "https://sajin-web-123456789012.europe-west1.run.app", local.public_origin),
      "123456789012", local.number),
      "sajin-example", var.project),
    "europe-west1", var.region))
  }
}

# The sizes. A service's instances times its connections, times two while two
# revisions serve, stay below the database's connections.
locals {
  sizes = {
    small = {
      instances   = { upload = 10, catalog = 4, web = 4 }
      tier        = "db-g1-small"
      standby     = false
      connections = 250
      disk        = 10
    }
    large = {
      instances   = { upload = 40, catalog = 20, web = 20 }
      tier        = "db-custom-2-7680"
      standby     = true
      connections = 1000
      disk        = 50
    }
  }
  size = local.sizes[var.size]
}

# What the choices change in the environment of a program, by document. A database
# is reached as its own user, and as the one of the migrations for those.
locals {
  databases = {
    "catalog"     = { SAJIN_DATABASE_URL = "catalog" }
    "web"         = { SAJIN_WEB_DATABASE_URL = "web" }
    "job-migrate" = { SAJIN_DATABASE_URL = "migrate-catalog", SAJIN_WEB_DATABASE_URL = "migrate-web" }
    "job-purge"   = { SAJIN_DATABASE_URL = "catalog" }
  }
  socket = local.push && var.database_connection == "socket"
  iap    = local.push && var.sign_in == "iap"

  plain_instead = {
    web = local.iap ? {
      SAJIN_AUTH         = "iap"
      SAJIN_IAP_AUDIENCE = "/projects/${local.number}/locations/${var.region}/services/sajin-web"
    } : {}
  }
  secret_instead = {
    for name, addresses in local.databases : name => {
      for variable, address in addresses : variable => google_secret_manager_secret.secret["sajin-database-url-${address}"].secret_id
    } if local.socket
  }
  unset = {
    for name in keys(local.names) : name => concat(
      name == "web" && local.iap ? ["SAJIN_SETUP_TOKEN"] : [],
      var.telemetry ? [] : ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    )
  }
}

# The containers of every document: the program, and what is beside it. The
# environment of each is a value, or the secret that holds it.
locals {
  containers = merge(
    { for name in keys(local.names) : name => [for each in local.documents[name].spec.template.spec.containers : each if var.telemetry || each.name != "collector"] },
    { for name in local.jobs : "job-${name}" => [for each in local.documents["job-${name}"].spec.template.spec.template.spec.containers : each] },
  )
  environment = {
    for name, containers in local.containers : name => {
      for variable, value in merge(
        { for each in containers[0].env : each.name => {
          value  = try(each.value, null)
          secret = try(each.valueFrom.secretKeyRef.name, null)
        } },
        { for each, value in try(local.plain_instead[name], {}) : each => { value = value, secret = null } },
        { for each, secret in try(local.secret_instead[name], {}) : each => { value = null, secret = secret } },
      ) : variable => value if !contains(try(local.unset[name], []), variable)
    }
  }
}
