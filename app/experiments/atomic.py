"""
id = "atomic"
topic = "lock"
order = 60
source = "课程：原子操作与锁 · the course: atomic operations and locks"
time_limit_s = 30

[title]
zh = "原子操作与锁"
en = "Atomic operations and locks"

[note]
zh = "counter = counter + one(1) 不是一步，而是三步：读出旧值、相加、写回。线程在读与写之间被切走，别人的更新随后就会被它写回的旧结果盖掉。GIL 不能防止这一点：它只保证同一时刻一个线程运行，并不保证何时换手。用锁把三步围起来，别人就插不进来，代价是等锁。协程只在 await 处切换，读与写之间没有 await 就不会丢，所以常说协程不需要锁；但 await 一旦落在读与写之间，照样会丢，那时要用 asyncio.Lock。为什么不写 counter += 1？CPython 3.10 起只在函数开头、循环回跳等处检查要不要换手，counter += 1 的读与写之间没有这样的检查点，碰巧丢不了；这是实现细节，不是语言的保证。"
en = "counter = counter + one(1) is not one step but three: read the old value, add, write back. A thread switched out between reading and writing later overwrites whatever the others wrote meanwhile. The GIL is no protection: it sees to it that one thread runs at a time, not to where it changes hands. A lock around the three steps keeps the others out, at the price of waiting for it. Coroutines switch only where they await: with no await between reading and writing nothing is lost, and so it is said that coroutines need no lock; but put an await in between and they lose updates just the same, and then need an asyncio.Lock. Why not counter += 1? Since 3.10 CPython looks whether to let go of the GIL only at certain places, such as the start of a function and the jump back of a loop. None of them lies between the read and the write of counter += 1, so by luck it loses nothing: a detail of the implementation, not a promise of the language."

[shows]
zh = "给同一个计数器加一：有锁、没有锁、协程"
en = "Adding to one counter: without a lock, with one, in coroutines"

[question]
text = { zh = "4 个线程各执行 500000 次 counter = counter + one(1)。有 GIL 在，最后 counter 是多少？", en = "4 threads each do counter = counter + one(1) 500000 times. Python has the GIL. What is counter at the end?" }
answers = [
    { zh = "正好 2000000：GIL 使每条语句成为原子的", en = "Exactly 2000000: the GIL makes each statement atomic" },
    { zh = "少于 2000000", en = "Less than 2000000" },
    { zh = "多于 2000000", en = "More than 2000000" },
]
correct = 1
explanation = { zh = "线程可能在读出旧值之后、写回之前让出 GIL。等它再写回时，其他线程这期间的更新全被盖掉，所以结果偏少，而且每次不同。", en = "A thread may let go of the GIL after it has read the old value and before it writes. When it then writes, all that the others added meanwhile is overwritten: the result is too small, and another one each time." }
when = { variant = "plain", workers = 4, count = 500000 }

[[parameters]]
name = "variant"
kind = "choice"
default = "plain"
choices = ["plain", "lock", "coroutines", "await"]
labels = { plain = { zh = "线程，没有锁", en = "threads, no lock" }, lock = { zh = "线程，有锁", en = "threads with a lock" }, coroutines = { zh = "协程，中间没有 await", en = "coroutines, no await in between" }, await = { zh = "协程，中间有 await", en = "coroutines, an await in between" } }
title = { zh = "谁来加", en = "Who adds" }

[[parameters]]
name = "workers"
kind = "int"
default = 4
minimum = 1
maximum = 16
title = { zh = "线程或协程数", en = "Threads or coroutines" }

[[parameters]]
name = "count"
kind = "int"
default = 500000
minimum = 1000
maximum = 1000000
title = { zh = "每个加几次", en = "Additions each" }
note = { zh = "中间有 await 的协程每次都要切换，只加这个数的百分之一", en = "coroutines with an await in between switch each time, and add only a hundredth of it" }

[[expected]]
check = "never_printed"
arguments = { words = "lost 0" }
when = { variant = ["plain", "await"], workers = { minimum = 2 } }
says = { zh = "丢了更新", en = "updates were lost" }

[[expected]]
check = "printed_in_order"
arguments = { lines = ["lost 0"] }
when = { variant = ["lock", "coroutines"] }
says = { zh = "一次更新也没有丢", en = "not one update was lost" }

[[expected]]
check = "in_turn"
arguments = { kind = "thread", named = "(add)" }
when = { variant = "plain", workers = { minimum = 2 } }
needs = ["gil"]
says = { zh = "丢更新时，也没有两个线程同时运行 Python 代码", en = "all the same no two threads ran Python code at once" }

[[expected]]
check = "stay_count"
arguments = { kind = "thread", named = "(add_with_lock)", state = "lock", least = 1 }
when = { variant = "lock", workers = { minimum = 2 } }
says = { zh = "线程要等锁", en = "threads waited for the lock" }

[[expected]]
check = "in_turn"
arguments = { kind = "task", named = "add_", most = 1.0 }
when = { variant = ["coroutines", "await"], workers = { minimum = 2 } }
says = { zh = "协程在一个线程里轮流运行", en = "the coroutines took turns within one thread" }

[[runs]]
title = { zh = "线程，没有锁：丢", en = "Threads, no lock: lost" }

[[runs]]
title = { zh = "线程，有锁：不丢，但要等", en = "Threads with a lock: none lost, but waits" }
parameters = { variant = "lock" }

[[runs]]
title = { zh = "协程，读写之间没有 await：不丢", en = "Coroutines, no await in between: none lost" }
parameters = { variant = "coroutines" }

[[runs]]
title = { zh = "协程，读写之间有 await：也丢", en = "Coroutines, an await in between: lost as well" }
parameters = { variant = "await" }
"""

import argparse
import asyncio
import threading

counter = 0
lock = threading.Lock()


def one(number):
    return number


def add(count):
    global counter
    for _ in range(count):
        counter = counter + one(1)


def add_with_lock(count):
    global counter
    for _ in range(count):
        with lock:
            counter = counter + one(1)


async def add_in_coroutine(count):
    global counter
    for number in range(count):
        counter = counter + one(1)
        if number % 1000 == 0:
            await asyncio.sleep(0)


async def add_across_await(count):
    global counter
    for _ in range(count):
        old = counter
        await asyncio.sleep(0)
        counter = old + one(1)


async def run_coroutines(function, workers, count):
    await asyncio.gather(*[function(count) for _ in range(workers)])


def run_threads(function, workers, count):
    threads = [threading.Thread(target=function, args=[count]) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["plain", "lock", "coroutines", "await"], default="plain")
parser.add_argument("--workers", type=int, default=4)
parser.add_argument("--count", type=int, default=500_000)
args = parser.parse_args()

if args.variant in ("plain", "lock"):
    run_threads(add if args.variant == "plain" else add_with_lock, args.workers, args.count)
elif args.variant == "coroutines":
    asyncio.run(run_coroutines(add_in_coroutine, args.workers, args.count))
else:
    args.count //= 100
    asyncio.run(run_coroutines(add_across_await, args.workers, args.count))

expected = args.workers * args.count
print(f"counter = {counter}, expected {expected}, lost {expected - counter}")
