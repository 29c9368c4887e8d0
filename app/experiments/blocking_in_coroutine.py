"""
id = "blocking-in-coroutine"
topic = "asyncio"
order = 130
source = "课程：“一个阻塞调用会停住所有协程” · the course: one blocking call stops every coroutine"
time_limit_s = 30

[title]
zh = "协程中的阻塞"
en = "Blocking in a coroutine"

[note]
zh = "几个协程每 100 毫秒滴答一次，旁边另一个协程要花 1 秒。若它调用 time.sleep(1)，睡着的是整个线程，事件循环也在这个线程里：其他协程的定时器到点了，它们已经就绪，却没有人来运行它们。换成会让出的等待（asyncio.sleep 或 gevent.sleep），或者把阻塞调用交给线程池里的另一个线程，滴答就不受影响。协程的切换是自愿的：没有人能从一个不让出的协程手里抢走线程。"
en = "A few coroutines tick every 100 ms beside one that takes 1 s. If that one calls time.sleep(1), the whole thread sleeps, and the event loop lives in that thread: the others' timers run out, they are ready, and nobody is there to run them. With a wait that yields (asyncio.sleep, gevent.sleep), or with the blocking call handed to another thread of a pool, the ticks go on undisturbed. Coroutines switch of their own will: nothing in the loop can take the thread from one that does not yield."

[shows]
zh = "一个协程要花 1 秒，其他协程的滴答怎样"
en = "One coroutine takes 1 s: what becomes of the others' ticks"

[question]
text = { zh = "一个协程调用 time.sleep(1) 时，其他每 100 毫秒滴答一次的协程会怎样？", en = "While one coroutine calls time.sleep(1), what happens to the others that tick every 100 ms?" }
answers = [
    { zh = "照常滴答，sleep 只影响调用者", en = "They tick on: sleep stops only its caller" },
    { zh = "停 1 秒，之后把错过的滴答全部补上", en = "They stop for 1 s, then make up for every missed tick" },
    { zh = "停 1 秒：已就绪，但循环不能运行它们", en = "They stop for 1 s: ready, but the loop cannot run them" },
    { zh = "循环会另开一个线程来运行它们", en = "The loop starts another thread for them" },
]
correct = 2
explanation = { zh = "time.sleep 阻塞线程，循环因此也停住。定时器到点使它们就绪，但要等 time.sleep 返回才轮到；错过的滴答不会补上，因为每次都是醒来之后才重新计时。", en = "time.sleep blocks the thread, and the loop with it. Their timers make them ready, but their turn comes only after time.sleep has returned. Missed ticks are not made up for: each one sets its next timer only after it woke." }
when = { variant = "blocking" }

[[parameters]]
name = "variant"
kind = "choice"
default = "blocking"
choices = ["blocking", "await", "executor"]
labels = { blocking = { zh = "time.sleep：阻塞线程", en = "time.sleep: blocks the thread" }, await = { zh = "会让出的等待", en = "a wait that yields" }, executor = { zh = "交给线程池", en = "handed to a thread pool" } }
title = { zh = "那 1 秒怎么等", en = "How the second is spent" }

[[parameters]]
name = "framework"
kind = "choice"
default = "asyncio"
choices = ["asyncio", "gevent"]
title = { zh = "框架", en = "Framework" }

[[parameters]]
name = "tickers"
kind = "int"
default = 3
minimum = 1
maximum = 50
title = { zh = "滴答协程数", en = "Tickers" }

[[expected]]
check = "stall"
arguments = { least_s = 0.7 }
when = { variant = "blocking" }
says = { zh = "已就绪的滴答协程约 1 秒得不到运行", en = "the tickers were ready for about 1 s and could not run" }

[[expected]]
check = "stall"
arguments = { most_s = 0.3 }
when = { variant = ["await", "executor"] }
says = { zh = "没有协程因为那 1 秒而久等", en = "no coroutine was kept waiting by that second" }

[[runs]]
title = { zh = "time.sleep：全部停住", en = "time.sleep: everything stops" }
parameters = { variant = "blocking" }

[[runs]]
title = { zh = "会让出的等待：互不影响", en = "A wait that yields: nobody is disturbed" }
parameters = { variant = "await" }

[[runs]]
title = { zh = "交给线程池：阻塞的是别的线程", en = "Handed to a pool: another thread blocks" }
parameters = { variant = "executor" }
"""

import argparse
import asyncio
import time

import gevent

TICKS = 16


def report(gaps):
    print(f"longest gap between two ticks: {max(gaps) * 1000:.0f} ms")


async def asyncio_tick():
    gaps = []
    for _ in range(TICKS):
        before = time.perf_counter()
        await asyncio.sleep(0.1)
        gaps.append(time.perf_counter() - before)
    report(gaps)


async def asyncio_job(variant):
    await asyncio.sleep(0.25)
    if variant == "blocking":
        time.sleep(1)
    elif variant == "await":
        await asyncio.sleep(1)
    else:
        await asyncio.to_thread(time.sleep, 1)


async def asyncio_main(variant, tickers):
    await asyncio.gather(asyncio_job(variant), *[asyncio_tick() for _ in range(tickers)])


def gevent_tick():
    gaps = []
    for _ in range(TICKS):
        before = time.perf_counter()
        gevent.sleep(0.1)
        gaps.append(time.perf_counter() - before)
    report(gaps)


def gevent_job(variant):
    gevent.sleep(0.25)
    if variant == "blocking":
        time.sleep(1)
    elif variant == "await":
        gevent.sleep(1)
    else:
        gevent.get_hub().threadpool.apply(time.sleep, [1])


parser = argparse.ArgumentParser()
parser.add_argument("--variant", choices=["blocking", "await", "executor"], default="blocking")
parser.add_argument("--framework", choices=["asyncio", "gevent"], default="asyncio")
parser.add_argument("--tickers", type=int, default=3)
args = parser.parse_args()

if args.framework == "asyncio":
    asyncio.run(asyncio_main(args.variant, args.tickers))
else:
    gevent.joinall([gevent.spawn(gevent_job, args.variant), *[gevent.spawn(gevent_tick) for _ in range(args.tickers)]])
