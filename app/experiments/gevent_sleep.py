"""
id = "gevent-sleep"
topic = "gevent"
order = 120
source = "课程示例 func1 / func2 · the course's func1 and func2"
time_limit_s = 30

[title]
zh = "gevent：函数1 与函数2"
en = "gevent: function 1 and function 2"

[note]
zh = "两个 greenlet 在同一个进程的同一个线程里协作调度：gevent.sleep 不占住线程，而是登记一个定时器，再把控制权交还给 hub（gevent 的事件循环）。hub 于是先去运行另一个 greenlet；哪个定时器先到期，哪个 greenlet 就先继续。两段等待重叠，所以总时间约等于较长的那一段，而不是两段之和。"
en = "Two greenlets are scheduled cooperatively in one thread of one process. gevent.sleep does not hold the thread: it sets a timer and hands control back to the hub, gevent's event loop, which runs the other greenlet meanwhile. Whichever timer is due first lets its greenlet go on. The two waits overlap, so the whole takes about as long as the longer wait, not their sum."

[shows]
zh = "两个 greenlet 各睡一会儿：谁先继续，总共多久"
en = "Two greenlets that sleep: which goes on first, and how long it takes"

[question]
text = { zh = "函数1 睡 2 秒，函数2 睡 1 秒。谁先打印“第二步”？一共要多久？", en = "Function 1 sleeps for 2 s, function 2 for 1 s. Which prints its second step first, and how long does it all take?" }
answers = [
    { zh = "函数1 先，共 3 秒", en = "Function 1, 3 s in all" },
    { zh = "函数1 先，共 2 秒", en = "Function 1, 2 s in all" },
    { zh = "函数2 先，共 2 秒", en = "Function 2, 2 s in all" },
    { zh = "函数2 先，共 3 秒", en = "Function 2, 3 s in all" },
]
correct = 2
explanation = { zh = "函数1 一睡，hub 就切换到函数2；函数2 的定时器 1 秒后先到期，函数1 的 2 秒后才到期。等待重叠，所以共 2 秒。", en = "As soon as function 1 sleeps, the hub switches to function 2. Function 2's timer is due after 1 s, function 1's after 2 s. The waits overlap, so it takes 2 s in all." }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["函数1 第一步", "函数2 第一步", "函数2 第二步", "函数1 第二步"] }
says = { zh = "函数2 先打印第二步", en = "function 2 printed its second step first" }

[[expected]]
check = "as_long_as_the_longest"
arguments = { kind = "greenlet", named = "func", state = "waiting:timer" }
says = { zh = "两段等待重叠", en = "the two waits overlapped" }
"""

import gevent

RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


def func1():
    print(f"{RED}函数1 第一步{PLAIN}")
    gevent.sleep(2)
    print(f"{RED}函数1 第二步{PLAIN}")


def func2():
    print(f"{GREEN}函数2 第一步{PLAIN}")
    gevent.sleep(1)
    print(f"{GREEN}函数2 第二步{PLAIN}")


gevent.joinall([gevent.spawn(func1), gevent.spawn(func2)])
