#!/bin/bash
# Trains on several machines under SLURM: sbatch configs/accelerate/slurm.sh RECIPE key=value ...
# Preempted or out of time, the run saves its state (SIGTERM, 30 seconds) and goes on where it stood when it starts again.
#SBATCH --job-name=quatrefoil
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
CONFIG=${CONFIG:-configs/accelerate/several_nodes.yaml}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
export MAIN=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-4}
PROCESSES=$((SLURM_NNODES * GPUS_PER_NODE))
# $SLURM_NODEID is each task's own, so it is read there and not here.
exec srun --kill-on-bad-exit=1 bash -c '
  accelerate launch --config_file "$0" --num_machines "$SLURM_NNODES" --num_processes "$1" \
    --machine_rank "$SLURM_NODEID" --main_process_ip "$MAIN" --main_process_port 29500 \
    -m quatrefoil.train "${@:2}"
' "$CONFIG" "$PROCESSES" "$@" run.processes="$PROCESSES" resume=auto
