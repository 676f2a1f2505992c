#!/bin/bash
# A replication as a job of SLURM: `bash batch.sh --partition gpu --account mine` asks for as long as the run is planned to take.
# A job that meets its end is queued again and goes on from what is finished, so that a shorter time, `HOURS=8`, only means more jobs.
#SBATCH --job-name=harness --gres=gpu:1 --cpus-per-task=8 --mem=48G
#SBATCH --signal=B:USR1@300 --requeue --open-mode=append
set -euo pipefail
: "${SCRATCH:?names no folder for the cache}"

image() { # by exec, so that in the background it is the very process that is signalled
    exec apptainer run --nv --cleanenv --no-home \
        --bind "$SCRATCH/cache:/cache,$PWD/reports:/reports,$HOME/.hf_token:/run/hf_token:ro" \
        --env HF_TOKEN_PATH=/run/hf_token "${HARNESS_SIF:-$PWD/harness.sif}" "$@"
}

planned_hours() { # of the stages in all, and one for loading what they need
    image harness plan --json | python3 -c \
        'import json, sys; print(1 + round(sum(stage["seconds"] for stage in json.load(sys.stdin)["projection"]) / 3600))'
}

if [ -z "${SLURM_JOB_ID:-}" ]; then
    mkdir -p "$SCRATCH/cache" reports
    hours=${HOURS:-$(planned_hours)}
    exec sbatch --time="$((hours * 60))" "$@" "$0"
fi

finish() { # 300 s before the end of the job: the run writes down what is finished, then the job is queued again
    kill -TERM "$run"
    wait "$run" || true
    scontrol requeue "$SLURM_JOB_ID"
}

image nox -s reproduce &
run=$!
trap finish USR1
trap 'kill -TERM "$run"' TERM # scancel: for good
code=0
until wait "$run"; code=$?; ! kill -0 "$run" 2>/dev/null; do :; done
exit "$code"
