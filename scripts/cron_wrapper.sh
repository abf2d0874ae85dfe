#!/bin/bash
# The gate: decide whether a task is due and, if it is, become its supervisor.
#
# usage: cron_wrapper.sh [--slot | --catch-up EPOCH] [--explain] scripts/<job>.py [job arguments]
#   --slot     as cron calls it: this minute, or one of the four before it, must be a slot of the task, and the slot
#              is claimed once. Without it (by hand) only holiday, days and phase apply, and a disabled task runs.
#   --catch-up a slot (seconds since 1970) of the last day that was missed: decided and claimed as with --slot, run now
#   --explain  print `run` or `skip REASON` on the last line; run and claim nothing
#   FORCE_RUN=true (or SCHEDULER_FORCE_RUN) passes holiday, days and phase, never the slot nor the task's lock
# needs: var/compiled, which it has written when missing or not made from the present configuration; .venv (or V6_PYTHON)
# exit codes: 0 success or skip, 1 recoverable, 2 fatal or unable to decide, 124 time limit, 128+n signal
#
# A skip starts no other program: builtins and the compiled, line-oriented files only, never `source` or `eval`.
# Bash parses a script as far as it runs it, so what a skip needs stands first. `v6.scheduler.due` defines what is due;
# the tests hold this file to it, minute by minute.

set -euf -o pipefail

readonly ENTRY_LC_ALL=${LC_ALL-} ENTRY_TZ=${TZ-}
readonly LATE=240 DAY=86400 CLOCK_CHANGE=10800 NOON_IN_NEW_YORK=61200 NEW_YORK=America/New_York
LC_ALL=C

declare -A offsets switches span_ends
declare -a lines fields one two
slot_mode=0 force=0 explain=0 stage=0 catch_up='' verdict='' reason='' home='' log='' now='' problem='not looked at' TZ_NOW='' east_key=''

die() { # MESSAGE: cannot decide; loud on stderr, in the log and to a person
  printf 'cron_wrapper.sh: %s\n' "$1" >&2
  append "gate||die|cannot_decide|${1//$'\n'/ }" || true # stamp_now may be what failed
  alert 'the gate cannot decide' "$1" || true
  exit 2
}

alert() { # TITLE BODY [OPTION ...]: delivered off this path
  local python=${V6_PYTHON:-$root/.venv/bin/python}
  [[ -n $log ]] || return 1
  if [[ -x $python ]]; then
    beside "$python" -m v6.alerts.notify --alert "$@" &
  elif python=$(command -v python3); then # it has no alert channel, but the standard library, and that pings
    beside "$python" -S -m v6.alerts.heartbeat "${task:-health_check}" 2 0 "$1: $2" &
  fi
}

beside() { # COMMAND: what it says goes to the alerts' log; where that cannot be written, to where our own words go
  { : >>"${log%/*}/alerts.log"; } 2>/dev/null && exec >>"${log%/*}/alerts.log" 2>&1
  PYTHONPATH=$root/src V6_HOME=$home exec setsid "$@" </dev/null
}

append() { # TEXT: one line in one write, New York's time first. A log that cannot be written stops no run.
  [[ -n $log ]] || return 0
  stamp_now
  write "$1" || true
}

stamp_now() { # not by use_zone, which may be what failed
  [[ $TZ_NOW == "$NEW_YORK" ]] || export TZ=$NEW_YORK
  printf -v stamp '%(%F %T %Z)T' "${now:--1}"
}

write() {
  [[ -d ${log%/*} ]] || mkdir -p -- "${log%/*}"
  printf '%s|%s\n' "$stamp" "$1" >>"$log"
}

# --- time --------------------------------------------------------------------------------------------------------

use_zone() { # ZONE: of the next `printf %()T`
  [[ $TZ_NOW != "$1" ]] || return 0
  # libc would take an unknown zone as UTC without a word
  [[ -e ${TZDIR:-/usr/share/zoneinfo}/$1 ]] || die "time zone $1: not in ${TZDIR:-/usr/share/zoneinfo}: install tzdata"
  export TZ=$1
  TZ_NOW=$1
}

offset() { # ZONE EPOCH: sets `east`, seconds east of UTC. Zones change at multiples of 15 minutes UTC.
  [[ $1$(($2 / 900)) != "$east_key" ]] || return 0
  local key=$1$(($2 / 900)) text sign
  east=${offsets[$key]-} east_key=$key
  [[ -z $east ]] || return 0
  use_zone "$1"
  printf -v text '%(%z)T' "$2"
  sign=${text:0:1}1
  east=$((sign * (10#${text:1:2} * 3600 + 10#${text:3:2} * 60)))
  offsets[$key]=$east
}

# --- sessions ----------------------------------------------------------------------------------------------------

session() { # DAY: days since 1970 in New York; sets `closed` ('' on a session day), `why`, `opens`, `closes` (minutes)
  [[ $1 != "${session_day-}" ]] || return 0
  local date line low high middle
  use_zone "$NEW_YORK"
  printf -v date '%(%F)T' $(($1 * DAY + NOON_IN_NEW_YORK))
  [[ ! $date < $covers_from && ! $date > $covers_to ]] ||
    die "$home/var/compiled/calendar.txt covers $covers_from to $covers_to, not $date: run v6 schedule check"
  closed='' why='' opens=570 closes=960 session_day=$1
  if ((($1 + 3) % 7 >= 5)); then
    closed=weekend
    return
  fi
  # newest first: the whole calendar is read only for a date older than its first lines
  [[ ! $date < ${lines[-1]:0:10} ]] || mapfile -t -s 1 -O "$first_day" lines <"$home/var/compiled/calendar.txt"
  low=$first_day high=${#lines[@]}
  while ((low < high)); do
    middle=$(((low + high) / 2))
    if [[ ${lines[middle]:0:10} > $date ]]; then low=$((middle + 1)); else high=$middle; fi
  done
  line=${lines[low]-}
  [[ ${line:0:10} == "$date" ]] || return 0
  line=${line:11}
  case $line in
    closed\ *) [[ $observe_holidays == 0 ]] || closed=holiday why=${line:7} ;;
    open\ *)
      opens=$((10#${line:5:2} * 60 + 10#${line:7:2})) closes=$((10#${line:10:2} * 60 + 10#${line:12:2}))
      why=${line:15}
      ;;
    *) die "$home/var/compiled/calendar.txt: cannot read the line of $date: $line" ;;
  esac
}

phase_at() { # EPOCH: sets `phase`
  local local_time minute until=1200
  offset "$NEW_YORK" "$1"
  local_time=$(($1 + east)) phase=closed
  session $((local_time / DAY))
  [[ -z $closed ]] || return 0
  minute=$((local_time % DAY / 60))
  ((closes >= 960)) || until=1020 # early closes
  if ((minute >= closes)); then
    ((minute >= until)) || phase=post_market
  elif ((minute >= opens)); then
    phase=market_open
  elif ((minute >= 240)); then
    phase=pre_market
  fi
}

# --- slots: `slot` becomes the latest one in [$1 - LATE, $1]; it stays '' when there is none --------------------------

slot_every() { # MINUTE
  local candidate=$1 past
  while ((candidate >= $1 - LATE)); do
    offset "$zone" "$candidate"
    past=$(((candidate / 60 + east / 60 - every_minute) % period))
    if ((past * 60 <= candidate % 900)); then # clocks change at multiples of 900 seconds only
      candidate=$((candidate - past * 60))
      ((candidate < $1 - LATE)) || slot=$candidate
      return 0
    fi
    candidate=$((candidate - candidate % 900 - 60))
  done
}

slot_clock() { # MINUTE
  local past now_east
  offset "$zone" "$1"
  past=$((($1 + east - anchor_offset * 60) % DAY))
  if ((past <= LATE + CLOCK_CHANGE || past >= DAY - CLOCK_CHANGE)); then
    now_east=$east
    offset "$zone" $(($1 - LATE - CLOCK_CHANGE))
    if ((east != now_east)); then # the clocks have just changed
      ((stage == 2)) || return 1
      slot_clock_changed "$1"
    elif ((past <= LATE)) && on_weekday $((($1 - past + now_east) / DAY)); then
      slot=$(($1 - past))
    fi
  fi
}

slot_session() { # MINUTE; clocks never change near a session
  local anchored=$(($1 - anchor_offset * 60)) past
  offset "$NEW_YORK" "$anchored"
  session $(((anchored + east) / DAY))
  past=$opens
  [[ $anchor == open ]] || past=$closes
  past=$(((anchored + east) % DAY - past * 60))
  if [[ -z $closed ]] && ((past >= 0 && past <= LATE)) && on_weekday "$session_day"; then slot=$(($1 - past)); fi
}

on_weekday() { # DAY: whether the task wants it
  [[ $weekday == '*' || $weekday == $((($1 + 3) % 7 + 1)) ]]
}

# --- the decision ------------------------------------------------------------------------------------------------

says_yes() { # NAME DEFAULT: what the environment, else .env, else DEFAULT says
  local text=${!1-} word
  [[ -n $text ]] || text=${switches[$1]-$2}
  word=${text//[[:space:]]/}
  case ${word,,} in
    1 | true | yes | on) return 0 ;;
    0 | false | no | off) return 1 ;;
    *) die "$1: '$text' is neither true nor false, allowed: true, 1, yes, on, false, 0, no, off" ;;
  esac
}

use_fields() { # the task in `fields`, as variables
  local name
  task=${fields[1]} enabled=${fields[4]} days=${fields[5]} wanted_phase=${fields[6]} kind=${fields[7]}
  period=${fields[8]} every_minute=${fields[9]} anchor=${fields[10]} anchor_offset=${fields[11]}
  weekday=${fields[12]} needs_gateway=${fields[13]} zone=$timezone
  name=SCHEDULER_${task^^}_ENABLED
  if [[ -n ${!name-}${switches[$name]-} ]]; then
    enabled=1
    says_yes "$name" 1 || enabled=0
  elif [[ -n ${SCHEDULER_ENABLE_ALL-}${switches[SCHEDULER_ENABLE_ALL]-} ]]; then
    says_yes SCHEDULER_ENABLE_ALL 1 || enabled=0
  fi
}

decide() { # TASK EPOCH: sets `verdict` (run or skip), `reason`, `detail`, `slot` (epoch or ''); no `reason` means that
  # the rest of this file is needed to tell
  local minute=$(($2 - $2 % 60)) judged inside
  [[ $1 == "${task-}" ]] || select_task "$1"
  verdict=skip reason='' detail='' slot=''
  if ((slot_mode)); then
    case $kind$anchor in
      every*) slot_every "$minute" ;;
      atclock) slot_clock "$minute" || return 0 ;;
      atopen | atclose) slot_session "$minute" ;;
      atrestart*)
        ((stage == 2)) || return 0
        slot_restart "$minute"
        ;;
      *) die "task $task: unknown kind $kind $anchor" ;;
    esac
  fi
  judged=${slot:-$minute}
  if ((slot_mode && !enabled)); then
    reason=disabled
    return
  fi
  if [[ $days == trading && $force == 0 ]]; then
    offset "$NEW_YORK" "$judged"
    session $(((judged + east) / DAY))
    if [[ -n $closed ]]; then
      reason=$closed detail=$why
      return
    fi
  fi
  if [[ $slot_mode == 1 && -z $slot ]]; then
    reason=not_slot
    return
  fi
  if [[ $wanted_phase != any && $force == 0 ]]; then
    phase_at "$judged"
    if [[ $phase != "$wanted_phase" ]]; then
      reason=phase detail="$phase, wants $wanted_phase"
      return
    fi
  fi
  if [[ $needs_gateway == 1 ]]; then
    ((stage > 0)) || return 0
    in_restart_window "$judged" && inside=0 || inside=$?
    case $inside in
      0) reason=restart_window detail=$window_name ;;
      1) verdict=run reason=due ;;
    esac
  else
    verdict=run reason=due
  fi
  [[ $slot_mode == 1 || $verdict == skip ]] || reason=by_hand
}

# --- the compiled files ------------------------------------------------------------------------------------------

made_from_present() { # FOLDER: whether the copies in it are the present configuration, byte for byte
  same "$root/config/default.yaml" "$1/default.yaml" &&
    same "${V6_CONFIG:-$home/config/production.yaml}" "$1/production.yaml" &&
    same "$home/.env" "$1/env" &&
    same "$home/config/calendar_overrides.yaml" "$1/calendar_overrides.yaml"
}

same() { # FILE COPY: equal, or both absent. A file without NUL is one element.
  if [[ ! -e $1 ]]; then
    [[ ! -e $2 ]]
    return
  fi
  [[ -e $2 ]] && mapfile -d '' one <"$1" && mapfile -d '' two <"$2" &&
    [[ ${#one[@]}${#two[@]} == @(11|00) && ! ${one-} < ${two-} && ! ${one-} > ${two-} ]] # == takes four times as long
}

load() { # SCRIPT: reads what was compiled for it; fails with `problem` when that has to be made first
  local file=${1##*/} index IFS='|'
  problem='not compiled'
  file=$home/var/compiled/gate/${file%.py}.txt
  [[ -r $file && ($1 == scripts/* || $1 == ./scripts/* || $1 == "$root"/scripts/*) ]] || return 1
  mapfile -t lines <"$file"
  problem='of another version'
  [[ ${lines[0]-} == '# v6 gate 2' ]] || return 1
  # shellcheck disable=SC2206 # split at |; globbing is off. A here-string would cost the skip 50 microseconds.
  fields=(${lines[1]})
  problem='of another checkout'
  [[ ${fields[0]} == "$root" && ${fields[1]} == "$home" ]] || return 1
  log=${fields[2]}/scheduler/cron_wrapper.log timezone=${fields[3]} observe_holidays=${fields[4]}
  enable_logging=${fields[5]} covers_from=${fields[6]} covers_to=${fields[7]}
  first_task=${fields[8]} first_window=${fields[9]} first_day=${fields[10]}
  heartbeats=${fields[11]-}${!V6_HEARTBEAT_URL*} # the environment may have addresses as well
  switches=()
  for ((index = 2; index < first_task; index++)); do
    switches[${lines[index]%%|*}]=${lines[index]#*|}
  done
  problem=''
}

find_task() { # ARGUMENTS: the task of this script with them, else its only one, as variables
  local index IFS='|'
  for ((index = first_task; index < first_window; index++)); do
    # shellcheck disable=SC2206 # as above
    fields=(${lines[index]})
    if [[ ${fields[3]} == "$1" ]]; then
      use_fields
      return
    fi
  done
  ((first_window - first_task == 1)) ||
    die "${fields[2]} belongs to $((first_window - first_task)) tasks, and to none with these arguments (see: v6 schedule list)"
  use_fields
}

# --- one call ----------------------------------------------------------------------------------------------------

locate() { # sets root and home; relative places are the caller's
  local here=${BASH_SOURCE[0]} name
  [[ $here == /* ]] || here=./$here
  cd -P -- "${here%/*}/.."
  root=$PWD
  if [[ ${V6_HOME:-/} != /* || ${V6_CONFIG:-/} != /* || ${V6_CLOCK_FILE:-/} != /* ]]; then
    for name in V6_HOME V6_CONFIG V6_CLOCK_FILE; do
      [[ -z ${!name-} || ${!name} == /* ]] || export "$name=$OLDPWD/${!name}"
    done
  fi
  home=${V6_HOME:-$root}
  [[ $home == "$root" || $home/ != *//* && $home/ != */./* && $home/ != */../* ]] || home=$(realpath -ms -- "$home")
  log=$home/logs/scheduler/cron_wrapper.log # until the schedule says otherwise
}

read_clock() { # sets `now`: epoch seconds on the shifted clock
  local text name=V6_CLOCK_OFFSET sign whole fraction
  now=$EPOCHSECONDS
  [[ -n ${V6_CLOCK_FILE-}${V6_CLOCK_OFFSET-} ]] || return 0
  text=${V6_CLOCK_OFFSET-}
  if [[ -n ${V6_CLOCK_FILE-} ]]; then
    name="V6_CLOCK_FILE: $V6_CLOCK_FILE" text=''
    { read -r text <"$V6_CLOCK_FILE" || [[ -n $text ]]; } 2>/dev/null || die "$name: cannot be read"
  fi
  sign=1 whole=${text//[[:space:]]/}
  [[ $whole != -* ]] || sign=-1
  whole=${whole#[+-]}
  [[ $whole == *.* ]] || whole+=.
  fraction=${whole#*.}000000 whole=${whole%%.*}
  [[ -n $whole && $whole$fraction != *[!0-9]* ]] || die "$name: '$text' is not a number of seconds"
  now=$(((${EPOCHREALTIME/./} + sign * (10#$whole * 1000000 + 10#${fraction:0:6})) / 1000000))
}

consider() { # SCRIPT [ARGUMENTS]: the decision about this call
  local arguments='' argument
  for argument in "${@:2}"; do arguments+=${arguments:+$'\x1f'}$argument; done
  force=0
  if [[ -n ${FORCE_RUN-}${SCHEDULER_FORCE_RUN-}${switches[FORCE_RUN]-}${switches[SCHEDULER_FORCE_RUN]-} ]]; then
    ! says_yes FORCE_RUN 0 || force=1
    ! says_yes SCHEDULER_FORCE_RUN 0 || force=1
  fi
  find_task "$arguments"
  decide "$task" "${catch_up:-$now}"
}

log_skip() {
  local iso=''
  [[ $enable_logging == 1 ]] || return 0
  stamp_now
  if [[ -n $slot ]]; then
    TZ=UTC0 TZ_NOW=''
    printf -v iso '%(%FT%TZ)T' "$slot"
  fi
  write "$task|$iso|skip|$reason|$detail"
}

gate() { # ARGUMENTS: exits on a skip; returns when there is more to do than that
  locate
  while [[ ${1-} == --* ]]; do
    case $1 in
      --slot) slot_mode=1 ;;
      --explain) explain=1 ;;
      *) return 0 ;;
    esac
    shift
  done
  [[ -O $home/var && -n ${1-} ]] || return 0
  read_clock
  problem='not made from the present configuration'
  if ! made_from_present "$home/var/compiled/sources" || ! load "$1"; then return 0; fi
  consider "$@"
  exit_on_skip
}

exit_on_skip() { # one that somebody may have to be told of is left to `main`
  [[ $verdict == skip && -n $reason && $explain == 0 && -z $heartbeats ]] || return 0
  log_skip
  exit 0
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || gate "$@"

# --- restart windows -----------------------------------------------------------------------------------------------

stage=1

in_restart_window() { # EPOCH: sets `window_name`
  local window from to minute day now_east IFS='|'
  local -a row
  for window in "${lines[@]:first_window:first_day-first_window}"; do
    # shellcheck disable=SC2206 # as above: name, zone, days, from, to
    row=($window)
    offset "${row[1]}" "$1"
    from=${row[3]} to=${row[4]} now_east=$east day=$((($1 + east) / DAY)) minute=$((($1 + east) % DAY / 60))
    from=$((10#${from%:*} * 60 + 10#${from#*:})) to=$((10#${to%:*} * 60 + 10#${to#*:}))
    offset "${row[1]}" $(($1 - DAY))
    if ((east != now_east)); then # the clocks have just changed
      ((stage == 2)) || return 2
      spans "$window" "$1" '*'
      for day in "${!span_ends[@]}"; do
        if (($1 >= day && $1 < span_ends[$day])); then
          window_name=${row[0]}
          return 0
        fi
      done
      continue
    fi
    if ((to <= from)); then # past midnight
      ((minute >= to)) || day=$((day - 1)) minute=$((minute + 1440))
      to=$((to + 1440))
    fi
    if ((from <= minute && minute < to)) && [[ ${row[2]} == *$(((day + 3) % 7 + 1))* ]]; then
      window_name=${row[0]}
      return 0
    fi
  done
  return 1
}

if [[ ${BASH_SOURCE[0]} == "$0" && -z $problem && -z $reason ]]; then
  decide "$task" "$now"
  exit_on_skip
fi

# --- slots relative to restart windows, and on days when clocks change ---------------------------------------------------

stage=2

first_minute() { # ZONE LOCAL HINT: sets `first`, the epoch at which the zone's clocks first show LOCAL or pass it.
  # LOCAL: seconds from 1970-01-01 00:00 on those clocks; HINT: an epoch nearby.
  local later
  offset "$1" "$3"
  first=$(($2 - east))
  offset "$1" "$first"
  if ((first + east != $2)); then
    first=$(($2 - east))
    offset "$1" "$first"
  fi
  if ((first + east == $2)); then # clocks that went back show it twice
    later=$east
    offset "$1" $((first - CLOCK_CHANGE))
    ((east > later)) || return 0
    later=$((first - east + later))
    offset "$1" "$later"
    ((later + east != $2)) || first=$later
    return 0
  fi
  first=$((first - CLOCK_CHANGE)) # clocks jump over it: the first minute after the gap
  offset "$1" "$first"
  while ((first + east < $2)); do
    first=$((first + 60))
    offset "$1" "$first"
  done
}

near() { # LOCAL MINUTE: whether LOCAL may be less than LATE after that minute of the day, clock changes included
  local past=$((($1 - $2 * 60) % DAY))
  ((past >= 0)) || past=$((past + DAY))
  ((past <= CLOCK_CHANGE + LATE || past >= DAY - CLOCK_CHANGE))
}

slot_clock_changed() { # MINUTE
  local day today
  offset "$zone" "$1"
  today=$((($1 + east) / DAY))
  for day in $((today - 1)) "$today"; do
    if [[ $weekday == '*' || $weekday == $(((day + 3) % 7 + 1)) ]]; then
      first_minute "$zone" $((day * DAY + anchor_offset * 60)) "$1"
      take "$first" "$1"
    fi
  done
}

slot_restart() { # MINUTE
  local anchored=$(($1 - anchor_offset * 60)) window name zone_name days_of from to acts start at
  for window in "${lines[@]:first_window:first_day-first_window}"; do
    IFS='|' read -r name zone_name days_of from to acts <<<"$window"
    ((acts)) || continue
    at=$to
    [[ $anchor == restart_end ]] || at=$from
    offset "$zone_name" "$anchored"
    near $((anchored + east)) $((10#${at%:*} * 60 + 10#${at#*:})) || continue
    spans "$window" "$anchored" "$weekday"
    for start in "${!span_ends[@]}"; do
      at=$start
      [[ $anchor == restart ]] || at=${span_ends[$start]}
      take $((at + anchor_offset * 60)) "$1"
    done
  done
}

spans() { # WINDOW EPOCH WEEKDAY: sets `span_ends[start]=end`, in epoch seconds, for that window around EPOCH
  local name zone_name days_of from to acts day today start
  IFS='|' read -r name zone_name days_of from to acts <<<"$1"
  from=$((10#${from%:*} * 60 + 10#${from#*:})) to=$((10#${to%:*} * 60 + 10#${to#*:}))
  ((to > from)) || to=$((to + 1440)) # past midnight
  span_ends=()
  offset "$zone_name" "$2"
  today=$((($2 + east) / DAY))
  for day in $((today - 2)) $((today - 1)) "$today"; do
    start=$(((day + 3) % 7 + 1))
    [[ $days_of == *"$start"* && ($3 == '*' || $3 == "$start") ]] || continue
    first_minute "$zone_name" $((day * DAY + from * 60)) "$2"
    start=$first
    first_minute "$zone_name" $((day * DAY + to * 60)) "$2"
    span_ends[$start]=$first
  done
}

take() { # CANDIDATE MINUTE: keep it as `slot` when it is near enough and the latest so far
  ((${1} > ${2} || ${1} < ${2} - LATE || ${1} <= ${slot:-0})) || slot=$1
}

select_task() { # NAME: as variables, whatever script was asked about before
  local line index IFS='|'
  while read -r line; do
    [[ $line == "task|$1|"* ]] || continue
    # shellcheck disable=SC2206 # as above
    fields=($line)
    index=${fields[3]}
    load "${fields[2]}" || die "$1 is $problem"
    find_task "$index"
    return
  done <"$home/var/compiled/schedule.txt"
  die "$1 is not a task of the schedule"
}

if [[ ${BASH_SOURCE[0]} == "$0" && -z $problem && -z $reason ]]; then
  decide "$task" "$now"
  exit_on_skip
fi

# --- and what a run needs ------------------------------------------------------------------------------------------

refuse_another_user() { # state belongs to one user: files of another would lock the real one out
  local owner
  [[ -e $home/var && ! -O $home/var ]] || return 0
  owner=$(/usr/bin/stat -c %U -- "$home/var")
  printf 'cron_wrapper.sh: %s belongs to %s; run instead: sudo -u %s %q\n' "$home/var" "$owner" "$owner" "$0" >&2
  exit 2
}

interpreter() { # sets `python`
  python=${V6_PYTHON:-$root/.venv/bin/python}
  [[ -x $python ]] || die "$python: no interpreter: run make setup in $root"
}

bring_up_to_date() { # SCRIPT: compile when the configuration is not what was compiled; a refused edit stops nothing
  local said text='' status=0 rejected=$home/var/compiled/rejected
  if [[ -e $rejected/told ]] && made_from_present "$rejected" && load "$1"; then
    append 'gate||go_on|refused_edit|the last good schedule stays in force; see: v6 schedule check'
    return
  fi
  interpreter
  said=$(PYTHONPATH=$root/src V6_HOME=$home "$python" -m v6.scheduler.compile) || status=$?
  if ! load "$1"; then
    ((status == 0)) || die "the compiled schedule is $problem, and compiling it failed (exit $status)"
    die "$1 belongs to no task of the schedule (see: v6 schedule list)"
  fi
  ((status != 0)) || return 0
  append 'gate||go_on|refused_edit|the last good schedule stays in force; see: v6 schedule check'
  [[ $said == refused ]] || return 0
  IFS='' read -r -d '' text <"$rejected/error.txt" || true
  text=${text%$'\n'}
  alert 'a configuration edit was refused' "$text"$'\n''the last good schedule stays in force; see: v6 schedule check' \
    --key "refused edit: $text" || return 0
  { : >"$rejected/told"; } 2>/dev/null || true
}

explain() {
  [[ $verdict == skip || -z $slot || ! -e $home/var/slots/$task/$slot ]] || verdict=skip reason=slot_taken
  [[ -z $detail ]] || printf '%s\n' "$detail"
  if [[ $verdict == run ]]; then printf 'run\n'; else printf 'skip %s\n' "$reason"; fi
  exit 0
}

claim() { # or skip: another call has the slot
  local place=$home/var/slots/$task look='df -h and mount say whether the disk is full or read-only, ls -ld whose it is'
  [[ -d $place ]] || mkdir -p -- "$place" || die "$place: cannot be made: the slot cannot be claimed; $look"
  if (set -C && : >"$place/$slot") 2>/dev/null; then return; fi
  [[ -e $place/$slot ]] || die "$place/$slot: cannot be written: the slot cannot be claimed; $look"
  reason=slot_taken
  log_skip
  exit 0
}

become_supervisor() { # ARGUMENTS of the job
  interpreter
  if [[ -n $ENTRY_LC_ALL ]]; then LC_ALL=$ENTRY_LC_ALL; else unset LC_ALL; fi
  if [[ -n $ENTRY_TZ ]]; then export TZ=$ENTRY_TZ; else unset TZ; fi
  export V6_HOME=$home V6_TASK=$task PYTHONPATH=$root/src${PYTHONPATH:+:$PYTHONPATH}
  if [[ -n $slot ]]; then export V6_SLOT=$slot; else unset V6_SLOT; fi
  exec "$python" -S -m v6.runner.supervise "$task" "$@"
}

ping_skip() { # a slot that is rightly not run must not look like a dead host to who waits for its word
  local python=${V6_PYTHON:-$root/.venv/bin/python}
  [[ -n $heartbeats && -n $slot && $reason == @(holiday|weekend|phase|disabled|restart_window) && -x $python ]] ||
    return 0
  beside "$python" -S -m v6.alerts.heartbeat "$task" skip 0 "$reason${detail:+: $detail}" &
}

usage_error() { # WORD: a person reads it here; from cron nobody would, and the line never runs
  local text="${1:+$1: unknown option; }usage: cron_wrapper.sh [--slot | --catch-up EPOCH] [--explain] scripts/<job>.py [job arguments]"
  [[ ! -t 2 ]] || log=''
  die "$text"
}

catch_up_refused() { # WORDS: said to who asked, and to nobody else
  printf 'cron_wrapper.sh: --catch-up %s: %s\n' "$catch_up" "$1" >&2
  exit 2
}

judge_catch_up() { # what is not asked of a slot that has just come
  local iso=''
  [[ $slot == "$catch_up" ]] || catch_up_refused "not a slot of $task"
  if [[ $verdict == run && $needs_gateway == 1 ]] && in_restart_window "$now"; then
    verdict=skip reason=restart_window detail=$window_name
  fi
  [[ $verdict == run && $explain == 0 ]] || return 0
  TZ=UTC0 TZ_NOW=''
  printf -v iso '%(%FT%TZ)T' "$slot"
  append "$task|$iso|catch_up|started|"
}

main() {
  while [[ ${1-} == --@(slot|explain|catch-up) ]]; do
    case $1 in
      --explain) explain=1 ;;
      --catch-up)
        slot_mode=1 catch_up=${2:-nothing}
        [[ -z ${2+given} ]] || shift
        ;;
    esac
    shift
  done
  case ${1-} in
    -h | --help)
      sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    '' | -*) usage_error "${1-}" ;;
  esac
  refuse_another_user
  [[ -n $now ]] || read_clock
  if [[ -n $catch_up ]]; then
    [[ $catch_up != *[!0-9]* && ${#catch_up} -le 10 ]] || catch_up_refused 'not seconds since 1970'
    ((catch_up <= now)) || catch_up_refused 'it lies in the future'
    ((catch_up > now - DAY)) || catch_up_refused 'not of the last day'
    ! made_from_present "$home/var/compiled/sources" || load "$1" || true
  fi
  [[ -z $problem ]] || bring_up_to_date "$1"
  [[ -n $reason ]] || consider "$@"
  [[ -z $catch_up ]] || judge_catch_up
  ((!explain)) || explain
  if [[ $verdict == skip ]]; then
    log_skip
    ping_skip
    exit 0
  fi
  interpreter
  [[ -z $slot ]] || claim
  ((enabled)) || printf 'cron_wrapper.sh: %s is disabled; it runs because it was asked for by hand\n' "$task" >&2
  become_supervisor "${@:2}"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
