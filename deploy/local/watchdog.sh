#!/bin/sh
# Ends what the launcher started when the launcher itself could not (kill -9, out of memory).
# The launcher holds the other end of standard input and writes "+ <signal> <pid>" and "- <pid>"; the end of the input
# with processes still on the list means that it is gone. Newest first, each with ten seconds before SIGKILL.
list=''
while read -r sign first second; do
  case $sign in
    +) list="$first:$second $list" ;;
    -)
      rest=''
      for entry in $list; do [ "${entry#*:}" = "$first" ] || rest="$rest $entry"; done
      list=$rest
      ;;
  esac
done

# An ended process whose parent does not wait for it still answers kill -0.
alive() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

for entry in $list; do
  signal=${entry%%:*} pid=${entry#*:} tenths=0
  kill -CONT "$pid" 2>/dev/null
  kill -"$signal" "$pid" 2>/dev/null
  while alive "$pid" && [ $tenths -lt 100 ]; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  alive "$pid" && kill -KILL "$pid" 2>/dev/null
done
exit 0
