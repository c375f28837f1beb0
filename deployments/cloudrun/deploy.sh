#!/usr/bin/env bash
# Builds, rolls out and rolls back on Cloud Run, in a project that
# deployments/terraform has prepared.
#
#   PROJECT=… REGION=… RELEASE=… deploy.sh images   build and push the images (Terraform does it, too)
#   PROJECT=… REGION=… RELEASE=… deploy.sh up       migrate, then roll out
#   PROJECT=… REGION=…           deploy.sh back     serve by the revisions before, at once
#
# RELEASE is a tag of the images, a new one for every build. PUBLIC_ORIGIN is
# the address of the gallery where that is not the one that Cloud Run gives.
set -euo pipefail
cd "$(dirname "$0")/../.."

services=(upload catalog web)
before=(migrate collectstatic)
clocks=(sweep sweep-all purge)

fail() {
  echo "deploy.sh: $*" >&2
  exit 2
}

need() {
  local name
  for name in "$@"; do
    [[ -n ${!name:-} ]] || fail "$name must be set"
  done
}

images() {
  need PROJECT REGION RELEASE
  command -v ko >/dev/null || fail 'ko builds the images: https://ko.build/install'
  make ui
  [[ -f services/web/ui/dist/app.js ]] || fail 'the interface is not built; npm builds it'
  gcloud auth configure-docker "$REGION-docker.pkg.dev" --quiet
  KO_DOCKER_REPO=$REGION-docker.pkg.dev/$PROJECT/sajin SOURCE_DATE_EPOCH=0 \
    ko build --base-import-paths --tags "$RELEASE" --sbom spdx \
    ./services/upload/cmd/upload ./services/catalog/cmd/catalog ./services/web/cmd/web ./services/sajin
}

# rendered prints a file of this folder with the project put in.
rendered() {
  sed -e "s|https://sajin-web-123456789012.europe-west1.run.app|$origin|g" \
    -e "s/123456789012/$number/g" -e "s/sajin-example/$PROJECT/g" -e "s/europe-west1/$REGION/g" \
    -e "s|^\( *\(- \)\?image: \)\([a-z]*\)$|\1$REGION-docker.pkg.dev/$PROJECT/sajin/\3:$RELEASE|" \
    "deployments/cloudrun/$1.yaml"
}

cloud_run() { gcloud run "$@" --project "$PROJECT" --region "$REGION" --quiet; }

up() {
  need PROJECT REGION RELEASE
  number=$(gcloud projects describe "$PROJECT" --format 'value(projectNumber)')
  origin=${PUBLIC_ORIGIN:-https://sajin-web-$number.$REGION.run.app}
  local name
  for name in "${before[@]}" "${clocks[@]}"; do
    rendered "job-$name" | cloud_run jobs replace -
  done
  for name in "${before[@]}"; do # a schema that does not come stops here
    cloud_run jobs execute "sajin-$name" --wait
  done
  for name in "${services[@]}"; do # web last: it calls the others
    rendered "$name" | cloud_run services replace -
    cloud_run services update-traffic "sajin-$name" --to-latest
  done
  echo "$RELEASE serves at $origin"
}

# back gives all traffic to the revision that was made before the one that has it.
# The schemas stay: a migration takes nothing from the release before.
back() {
  need PROJECT REGION
  local name now previous
  for name in web upload catalog; do # web first: it calls the others
    now=$(cloud_run services describe "sajin-$name" --format 'value(status.traffic[0].revisionName)')
    previous=$(cloud_run revisions list --service "sajin-$name" \
      --sort-by '~metadata.creationTimestamp' --format 'value(metadata.name)' | awk -v now="$now" 'found { print; exit } $1 == now { found = 1 }')
    [[ -n $previous ]] || fail "sajin-$name has no revision before $now"
    cloud_run services update-traffic "sajin-$name" --to-revisions "$previous=100"
  done
}

case ${1:-} in
  images | up | back) "$1" ;;
  *)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
