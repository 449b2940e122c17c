/**
 * The text of `/run/nodelatch/verify`. It is POSIX sh and uses nothing but the shell's own commands, except that it
 * sleeps and tidies up with `sleep` and `rm` where there are any: without them it still works, at the price of a busy
 * loop. Time comes from /proc/uptime, which no clock step moves. Every path to an exit with 0 is the one line `exit 0`.
 */
import { ANSWER_SECONDS, MOST_WAIT_SECONDS, PROTOCOL } from "./question.ts";

/**
 * @param folder absolute path of the questions' folder, as the node sees it.
 * @param answerSeconds how long it waits for an answer, and how old an answer may be.
 */
export function verifyScript(folder: string, answerSeconds = ANSWER_SECONDS): string {
  return `#!/bin/sh
# May this node reboot now? Written by nodelatch-agent; see docs/gate.md of Nodelatch.
# Exits with 0 if so, 1 if not, 64 if it was called wrongly, and 75 if there is no answer: then don't reboot either.
set -fu
IFS=' '
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
folder=${quoted(folder)}
ask=

no_answer() {
  withdraw
  echo "nodelatch: no answer, so don't reboot: $1" >&2
  exit 75
}

usage() {
  echo "nodelatch: $1; usage: verify [--wait DURATION] [--holder USER], e.g. --wait 2m" >&2
  exit 64
}

withdraw() {
  [ -z "$ask" ] || rm -f "$ask" "$folder/$nonce.answer" 2>/dev/null || :
}

# Sets uptime: whole seconds since boot.
read_uptime() {
  read -r uptime rest </proc/uptime || no_answer "/proc/uptime can't be read"
  uptime=\${uptime%%.*}
  case $uptime in '' | *[!0-9]*) no_answer "/proc/uptime makes no sense" ;; esac
}

# Sets seconds: "90", "90s", "2m" or "1h" as seconds.
read_duration() {
  case $1 in
    *h) factor=3600 seconds=\${1%h} ;;
    *m) factor=60 seconds=\${1%m} ;;
    *s) factor=1 seconds=\${1%s} ;;
    *) factor=1 seconds=$1 ;;
  esac
  case $seconds in '' | *[!0-9]* | ?????*) usage "--wait '$1': expected a duration such as 90s or 2m" ;; esac
  # A leading zero would make it octal.
  while :; do case $seconds in 0?*) seconds=\${seconds#0} ;; *) break ;; esac done
  seconds=$((seconds * factor))
  [ "$seconds" -le ${MOST_WAIT_SECONDS} ] || usage "--wait '$1': expected at most ${MOST_WAIT_SECONDS / 60}m"
}

# Sets holder: a user name that is one word.
read_holder() {
  case $1 in '' | - | *[!A-Za-z0-9:._@/+=,#-]*) usage "--holder '$1': expected a user name without spaces" ;; esac
  [ \${#1} -le 253 ] || usage "--holder: expected at most 253 characters"
  holder=$1
}

read_answer() {
  read -r protocol said_nonce said_boot verdict looked rest && read -r words && read -r end
}

# Exits, unless there is no answer yet.
judge() {
  if [ ! -e "$folder/$nonce.answer" ] && [ ! -h "$folder/$nonce.answer" ]; then return; fi
  # A regular file can't block; the name can't be guessed, and only root could put something else there.
  if [ -h "$folder/$nonce.answer" ] || [ ! -f "$folder/$nonce.answer" ]; then
    no_answer "$folder/$nonce.answer is no regular file"
  fi
  { read_answer <"$folder/$nonce.answer"; } 2>/dev/null || no_answer "half an answer"
  if [ "$end" != "end $nonce" ] || [ "$protocol" != "${PROTOCOL}" ] || [ -n "$rest" ]; then
    no_answer "half an answer, or one of another version"
  fi
  if [ "$said_nonce" != "$nonce" ] || [ "$said_boot" != "$boot" ]; then no_answer "the answer is to another question"; fi
  case $looked in '' | *[!0-9]* | ???????????*) no_answer "the answer has no time" ;; esac
  # However long this shell was stopped meanwhile: an old answer says nothing.
  read_uptime
  age=$((uptime - looked))
  if [ "$age" -lt 0 ] || [ "$age" -gt ${answerSeconds} ]; then no_answer "the answer is $age s old"; fi
  withdraw
  case $verdict in
    open)
      echo "nodelatch: $words"
      exit 0
      ;;
    closed)
      echo "nodelatch: $words" >&2
      exit 1
      ;;
    *)
      no_answer "$words"
      ;;
  esac
}

main() {
  wait=0
  holder=-
  while [ $# -gt 0 ]; do
    case $1 in
      --wait)
        [ $# -ge 2 ] || usage "--wait: expected a duration such as 90s or 2m"
        read_duration "$2"
        wait=$seconds
        shift 2
        ;;
      --wait=*)
        read_duration "\${1#--wait=}"
        wait=$seconds
        shift
        ;;
      --holder)
        [ $# -ge 2 ] || usage "--holder: expected a user name"
        read_holder "$2"
        shift 2
        ;;
      --holder=*)
        read_holder "\${1#--holder=}"
        shift
        ;;
      '&&')
        # kured splits its command into words and runs no shell: it would wait for a reboot for ever.
        usage "'&&' is an argument here, so no shell runs this line; wrap it: /bin/sh -c '... && ...'"
        ;;
      *)
        usage "unknown argument '$1'"
        ;;
    esac
  done
  read_uptime
  end_at=$((uptime + wait + ${answerSeconds}))
  read -r boot </proc/sys/kernel/random/boot_id || no_answer "the boot ID can't be read"
  read -r nonce </proc/sys/kernel/random/uuid || no_answer "the kernel gives no UUID"
  [ \${#nonce} -eq 36 ] || no_answer "the kernel gives no UUID"
  if [ -h "$folder" ] || [ ! -d "$folder" ]; then no_answer "$folder is no directory; is the agent running on this node?"; fi
  if [ ! -w "$folder" ] || [ ! -x "$folder" ]; then no_answer "$folder can't be written; run this as root"; fi
  umask 077
  trap 'withdraw; exit 75' HUP INT TERM
  ask=$folder/$nonce.ask
  if [ -e "$ask" ] || [ -h "$ask" ]; then no_answer "$ask exists"; fi
  (
    set -C
    echo "${PROTOCOL} $nonce $boot $uptime $wait $holder
end $nonce" >"$ask"
  ) 2>/dev/null || no_answer "$ask can't be written; is $folder full?"
  looks=0
  while :; do
    judge
    read_uptime
    [ "$uptime" -lt "$end_at" ] || no_answer "the agent said nothing within $((wait + ${answerSeconds})) s"
    # Often at first, for a quick answer; a shell without fractions sleeps whole seconds.
    looks=$((looks + 1))
    case $looks in ? | 1?) pause=0.02 ;; [2-9]?) pause=0.05 ;; *) pause=0.5 ;; esac
    sleep "$pause" 2>/dev/null || sleep 1 2>/dev/null || :
  done
}

main "$@"
exit 75
`;
}

/** In single quotes, for sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
