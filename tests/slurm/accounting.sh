# Starts MariaDB and slurmdbd. Sourced by `up`.
mariadb-install-db --user=root --datadir="$DIR/sql" --auth-root-authentication-method=normal --skip-test-db \
    >"$DIR/log/sql-install.log" 2>&1 || { tail -n 5 "$DIR/log/sql-install.log" >&2; die 'no database'; }
# One statement a line.
cat >"$DIR/etc/init.sql" <<'C'
CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS 'slurm'@'127.0.0.1' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';
C
mariadbd --no-defaults --user=root --datadir="$DIR/sql" --socket="$DIR/run/sql.sock" \
    --pid-file="$DIR/run/mariadbd.pid" --bind-address=127.0.0.1 --port=$P_DATABASE --init-file="$DIR/etc/init.sql" \
    --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 --skip-log-bin --skip-name-resolve \
    --innodb-lock-wait-timeout=900 </dev/null >"$DIR/log/mariadbd.log" 2>&1 8>&- &
disown
asked() { mariadb --no-defaults -h127.0.0.1 -P$P_DATABASE -uslurm -pslurm -e 'select 1' slurm_acct_db; }
wait_for 60 asked || { tail -n 5 "$DIR/log/mariadbd.log" >&2; die 'mariadbd did not start'; }

cat >"$DIR/etc/slurmdbd.conf" <<C
AuthType=auth/munge
AuthInfo=socket=$SOCKET,cred_expire=5
DbdAddr=127.0.0.1
DbdHost=localhost
DbdPort=$P_ACCOUNTING
SlurmUser=root
LogFile=$DIR/log/slurmdbd.log
PidFile=$DIR/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$P_DATABASE
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
C
chmod 600 "$DIR/etc/slurmdbd.conf"
slurmdbd 8>&- || die 'slurmdbd did not start'
wait_for 60 sacctmgr -n -P list cluster || { tail -n 5 "$DIR/log/slurmdbd.log" >&2; die 'slurmdbd does not answer'; }
sacctmgr -i add cluster test >/dev/null
sacctmgr -i add account team cluster=test Description=team Organization=team >/dev/null
sacctmgr -i add user root account=team cluster=test >/dev/null 2>&1 || true
sacctmgr -i add qos tiny set MaxSubmitJobsPerUser=5 MaxJobsPerUser=2 >/dev/null 2>&1 || true
sacctmgr -i modify user root set qos+=normal,tiny >/dev/null 2>&1 || true
