#!/bin/sh
# Waits until the job "migrate" has ended, and fails with its last words if it did.
# skaffold says in SKAFFOLD_KUBE_CONTEXT which cluster; by hand it is the current.
set -eu

in_cluster() { kubectl --context "${SKAFFOLD_KUBE_CONTEXT:-}" --namespace sajin "$@"; }

tries=0
until in_cluster wait --for=condition=complete --timeout=5s job/migrate >/dev/null 2>&1; do
  tries=$((tries + 1)) # the job's own deadline is half an hour
  if [ $tries -gt 400 ] || in_cluster wait --for=condition=failed --timeout=1s job/migrate >/dev/null 2>&1; then
    in_cluster logs --tail=20 job/migrate >&2 || true
    echo 'The migrations failed; nothing else was changed.' >&2
    exit 1
  fi
done
