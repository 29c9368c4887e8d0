"""
id = "coroutine-by-hand"
topic = "coroutine"
order = 30
source = "课程：协程是用户态的轻量级线程 · the course: a coroutine is a user-space light thread"
time_limit_s = 30

[title]
zh = "协程：手工切换"
en = "Coroutines: switched by hand"

[note]
zh = "协程是用户态的轻量级线程，有自己的上下文（寄存器和栈），切换时保存，切回来再恢复；这一切都发生在一个线程之内，内核既不参与，也不知道。greenlet 保存的是真正的 C 栈，所以在任何一层函数里都能切走（switch）；生成器只保存自己这一层的 Python 栈帧，只能在自己的函数体里用 yield 让出，再由别人用 next 恢复。两种写法都是自愿让出：没有抢占，也就没有时间片。线程一直在 CPU 上，时间线上看不到内核切换。"
en = "A coroutine is a light thread in user space. It has a context of its own (registers and stack), saved when control leaves it and restored when it returns; all of that within one thread, without the kernel, which knows nothing of it. A greenlet keeps a real C stack, so it can switch away from any depth of calls; a generator keeps just its one Python frame, so it yields only in its own body and is resumed by somebody's next. Either way control is given up of free will: nothing is preempted and there is no time slice. The thread stays on its CPU all the time, and the timeline has no kernel switch at a hand-over."

[shows]
zh = "两个协程互相交出控制权：线程和核上发生了什么"
en = "Two coroutines hand control to each other: watch the thread and its core"

[question]
text = { zh = "两个协程来回切换 20 次。内核为此切换了几次线程？", en = "Two coroutines hand control to each other 20 times. How many thread switches does the kernel make for that?" }
answers = [
    { zh = "20 次", en = "20" },
    { zh = "40 次，来回各一次", en = "40, one each way" },
    { zh = "0 次", en = "None" },
]
correct = 2
explanation = { zh = "切换协程只是在用户态保存、恢复寄存器和栈，相当于一次函数调用。内核看到的是同一个线程一直在运行。", en = "Switching coroutines saves and restores registers and stack in user space, not unlike a function call. All the kernel sees is one thread that keeps running." }
when = { steps = 10 }

[[parameters]]
name = "variant"
kind = "choice"
default = "greenlet"
choices = ["greenlet", "generator"]
labels = { generator = { zh = "生成器", en = "generator" } }
title = { zh = "用什么写", en = "Made with" }

[[parameters]]
name = "steps"
kind = "int"
default = 10
minimum = 1
maximum = 200
title = { zh = "每个协程几步", en = "Steps each" }

[[expected]]
check = "keeps_its_core"
says = { zh = "交接之间，线程没有一次因等待而离开 CPU", en = "in all the hand-overs the thread not once left its CPU to wait" }

[[expected]]
check = "in_turn"
arguments = { kind = "greenlet", named = "greenlet_p", most = 1.0 }
when = { variant = "greenlet" }
says = { zh = "两个协程轮流运行，从不重叠", en = "the two coroutines took turns and never ran at once" }

[[expected]]
check = "lane_count"
arguments = { kind = "thread", least = 1, most = 1 }
says = { zh = "自始至终只有一个线程", en = "there was one thread throughout" }

[[runs]]
title = { zh = "greenlet：各有自己的栈", en = "greenlets: a stack each" }

[[runs]]
title = { zh = "生成器：只有自己的一层栈帧", en = "generators: one frame each" }
parameters = { variant = "generator" }
"""

import argparse

from greenlet import greenlet


def compute(name, step):
    total = sum(range(400_000))
    print(name, step, total)


def greenlet_ping():
    for step in range(args.steps):
        compute("ping", step)
        pong.switch()


def greenlet_pong():
    for step in range(args.steps):
        compute("pong", step)
        ping.switch()


def generator(name):
    for step in range(args.steps):
        compute(name, step)
        yield


parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["greenlet", "generator"], default="greenlet")
parser.add_argument("--steps", type=int, default=10)
args = parser.parse_args()

if args.variant == "greenlet":
    ping, pong = greenlet(greenlet_ping), greenlet(greenlet_pong)
    ping.switch()
else:
    ping, pong = generator("ping"), generator("pong")
    for _ in range(args.steps):
        next(ping)
        next(pong)
