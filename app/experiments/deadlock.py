"""
id = "deadlock"
topic = "lock"
order = 70
source = "课程：锁与死锁 · the course: locks and deadlock"
time_limit_s = 4

[title]
zh = "死锁"
en = "Deadlock"

[note]
zh = "两个线程要同样的两把锁，取锁的顺序却相反：各拿到一把，又都等对方手里的另一把，谁也不会先放，于是永远等下去。死锁要四个条件同时成立：互斥、占有并等待、不可抢占、循环等待；打破一个就不会死锁。最简单的办法是规定取锁的顺序（参数选“一致”），这样就不可能形成环。解释器不检查死锁，程序也不会报错，只是停在那里：这里由看门狗在 4 秒后终止，时间线上两个线程都在“等锁”，而且都在等对方持有的那一把。自己在终端里运行这段脚本，要用 Ctrl+C 结束。"
en = "Two threads want the same two locks but take them in opposite order: each gets one and then waits for the other one's, neither lets go first, and so they wait for ever. A deadlock needs four conditions at once: mutual exclusion, hold and wait, no preemption, circular wait; break one of them and there is none. The simplest way is to fix the order in which locks are taken (choose “the same” above): then no circle can come about. The interpreter does not look for deadlocks and the program reports no error, it just stands still. Here a watchdog ends it after 4 s, and on the timeline both threads wait for a lock, each for the one that the other holds. When you run the script in a terminal of your own, end it with Ctrl+C."

[shows]
zh = "两把锁：谁持有哪一把，又在等哪一把"
en = "Two locks: who holds which, and who waits for which"

[question]
text = { zh = "线程甲先取锁 1、再取锁 2，线程乙先取锁 2、再取锁 1，两者同时开始。会怎样？", en = "Thread A takes lock 1, then lock 2. Thread B takes lock 2, then lock 1. Both begin at once. What happens?" }
answers = [
    { zh = "一个先完成，另一个随后完成", en = "One finishes first, then the other" },
    { zh = "两个都永远等下去", en = "Both wait for ever" },
    { zh = "解释器发现死锁，抛出异常", en = "The interpreter notices the deadlock and raises an exception" },
    { zh = "切换间隔一到，GIL 就让其中一个释放锁", en = "After the switch interval the GIL makes one of them let go of its lock" },
]
correct = 1
explanation = { zh = "甲持有锁 1 等锁 2，乙持有锁 2 等锁 1，成了一个环。等锁的线程会释放 GIL，却不会释放已经拿到的锁；threading.Lock 也不检查死锁。", en = "A holds lock 1 and waits for lock 2, B holds lock 2 and waits for lock 1: a circle. A thread that waits for a lock lets go of the GIL, but not of the locks it has, and threading.Lock does not look for deadlocks." }
when = { variant = "opposite" }

[[parameters]]
name = "variant"
kind = "choice"
default = "opposite"
choices = ["opposite", "one-order"]
labels = { opposite = { zh = "相反", en = "opposite" }, one-order = { zh = "一致：都先取锁 1", en = "the same: lock 1 first" } }
title = { zh = "取锁的顺序", en = "Order of taking" }

[[expected]]
check = "ended"
arguments = { wanted = "time limit" }
when = { variant = "opposite" }
says = { zh = "程序自己不会结束，是看门狗终止的", en = "the program did not end by itself, the watchdog ended it" }

[[expected]]
check = "waits_in_a_cycle"
when = { variant = "opposite" }
says = { zh = "两个线程各等对方持有的锁，成了一个环", en = "each of the two threads waited for the lock that the other held: a cycle" }

[[expected]]
check = "waits_in_a_cycle"
arguments = { least = 0, most = 0 }
when = { variant = "one-order" }
says = { zh = "没有等待的环", en = "there was no cycle of waits" }

[[expected]]
check = "ended"
arguments = { wanted = "finished" }
when = { variant = "one-order" }
says = { zh = "顺序一致就没有死锁，程序正常结束", en = "with one order there is no deadlock, and the program finished" }

[[runs]]
title = { zh = "顺序相反：死锁", en = "Opposite order: deadlock" }

[[runs]]
title = { zh = "顺序一致：后来的等一等", en = "One order: the later one waits a while" }
parameters = { variant = "one-order" }
"""

import argparse
import threading
import time

lock1, lock2 = threading.Lock(), threading.Lock()


def work(first, second):
    name = threading.current_thread().name
    with first:
        print(f"{name} has its first lock")
        time.sleep(0.2)
        with second:
            print(f"{name} has both locks")
            time.sleep(0.2)


parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["opposite", "one-order"], default="opposite")
opposite = parser.parse_args().variant == "opposite"

a = threading.Thread(name="A", target=work, args=[lock1, lock2])
b = threading.Thread(name="B", target=work, args=[lock2, lock1] if opposite else [lock1, lock2])
a.start()
b.start()
a.join()
b.join()
print("done")
