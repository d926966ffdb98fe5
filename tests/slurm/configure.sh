# Writes slurm.conf and its like. Sourced by `up`.
#
# Short waits, so that tests can see them end: a killed task has 5 s, a lost node is noticed after 15 s, and
# a task that is put back waits 5 s (`cred_expire`) instead of two minutes.
{
    cat <<C
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$SOCKET,cred_expire=5
SlurmctldPort=$PORT
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd.%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd.%n.log
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=$((MEM / CPUS / 4 > 0 ? MEM / CPUS / 4 : 1))
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
MpiDefault=none
MailProg=/bin/true
SwitchType=switch/none
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=15
KillWait=5
TCPTimeout=2
MessageTimeout=10
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,bf_min_age_reserve=0,sched_min_interval=10000,batch_sched_delay=0,nohold_on_prolog_fail
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
C
    if [ $CGROUP = 1 ]; then
        printf 'ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup\n'
    else
        printf 'ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n'
    fi
    if [ $ACCOUNTING = 1 ]; then
        # Clients reach slurmdbd through another munge socket by default.
        cat <<C
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$P_ACCOUNTING
AccountingStorageUser=root
AccountingStoragePass=$SOCKET
AccountingStorageEnforce=associations,limits,qos
PriorityType=priority/multifactor
C
    fi
    [ ${#CONF[@]} = 0 ] || printf '%s\n' "${CONF[@]}"
    gres=
    if [ "$GPUS" -gt 0 ]; then
        echo 'GresTypes=gpu'
        gres="Gres=gpu:fake:$GPUS"
    fi
    for ((i = 1; i <= NODES; i++)); do
        echo "NodeName=n$i NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((P_NODE + i - 1)) CPUs=$CPUS" \
            "Sockets=1 CoresPerSocket=$CPUS ThreadsPerCore=1 RealMemory=$MEM $gres State=UNKNOWN"
    done
    cat <<C
PartitionName=main   Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=5 PreemptMode=OFF State=UP
PartitionName=short  Nodes=ALL MaxTime=1 DefaultTime=1 PriorityTier=5 PreemptMode=OFF State=UP
PartitionName=low    Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=0 State=UP
PartitionName=high   Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=closed Nodes=ALL MaxTime=INFINITE PriorityTier=5 PreemptMode=OFF State=DOWN
C
} >"$DIR/etc/slurm.conf"

if [ "$GPUS" -gt 0 ]; then
    # slurmd insists on devices: these are aliases of /dev/null.
    mkdir -p "$DIR/dev"
    for ((g = 0; g < GPUS; g++)); do mknod -m 666 "$DIR/dev/gpu$g" c 1 3; done
    range="[0-$((GPUS - 1))]"
    [ "$GPUS" -gt 1 ] || range=0
    echo "NodeName=n[1-$NODES] Name=gpu Type=fake File=$DIR/dev/gpu$range" >"$DIR/etc/gres.conf"
fi

version=$(slurmd -V)
version=${version##* }
if [ $CGROUP = 1 ]; then
    printf '%s\n' CgroupPlugin=cgroup/v1 CgroupMountpoint=/sys/fs/cgroup ConstrainRAMSpace=yes \
        ConstrainSwapSpace=no ConstrainCores=no ConstrainDevices=no >"$DIR/etc/cgroup.conf"
elif [ "${version%%.*}" -ge 23 ]; then
    # Newer ones refuse to start without cgroups otherwise.
    echo 'CgroupPlugin=disabled' >"$DIR/etc/cgroup.conf"
fi
