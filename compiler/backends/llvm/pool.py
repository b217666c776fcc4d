"""The pool of threads that compiled code works with, as LLVM's text.

A process has one pool for all compiled code. A job is a function, ``void task(ptr context, i64
chunk)``, and a number of chunks. Whoever has nothing to do claims one chunk at a time: the caller,
and each worker that is awake. So a worker that sleeps, or that the system does not run, delays
nobody. A caller who finds the pool busy (with another thread's job, or with the one that its own is
a part of) runs its chunks alone.

The caller claims chunks from the front, workers claim them from the back. So where one job follows
another on the same arrays (a loop over sweeps), a processor mostly finds its part of them in its
own cache. Measured with two threads on 100 double sweeps over 250 x 250 numbers and their adjoints:
13.4 ms instead of 17.9 ms.

Why a worker that is late never touches a job that is over: the lower half of ``remaining`` counts
the chunks that nobody has claimed (the upper half, how many were claimed in front of them), and a
claim is one atomic addition that found it above zero. Whatever job a
worker had in mind, such a claim is one of the job that is published *now*, and that job does not
end before the claimed chunk is reported in ``pending``. A worker reads what to call only after its
claim, when nothing can change it. A claim that found zero or less reads nothing, and what it left
in the counter is overwritten by the next job.

Whoever goes to sleep writes a flag and then reads a counter; whoever has something for a sleeper
writes the counter and then reads the flag. These accesses are sequentially consistent, so that one
of the two sees the other.

The text is written by hand: nothing in it depends on the compiled program, and of the target only
the instruction that waits, and a few numbers of its system.
"""

from __future__ import annotations

from string import Template

from .crew import CREW
from .target import Target

PARALLEL = "gradc_parallel"
"""``void gradc_parallel(ptr task, ptr context, i64 chunks)``: run a job; return when it is done."""
RESET = "gradc_pool_reset"
"""``void gradc_pool_reset()``: have no workers; to call first of all, and in a forked child."""
RESIZE = "gradc_pool_resize"
"""``void gradc_pool_resize(i64 size)``: how many threads may work on a job, the caller included."""
PATIENCE = "gradc_pool_patience"
"""``void gradc_pool_patience(i64 pauses)``: for how many pauses one waits before one sleeps."""
PAUSE = "gradc_pool_pause"
"""``void gradc_pool_pause(i64 pauses)``: wait for so many pauses, at least one."""
WORKERS = "gradc_pool_workers"
"""``i64 gradc_pool_workers()``: how many threads the pool has made that have not ended."""

EXPORTS = (PARALLEL, RESET, RESIZE, PATIENCE, PAUSE, WORKERS)

_DECLARATIONS = {
    "pthread_create": "ptr, ptr, ptr, ptr",
    "pthread_detach": "ptr",
    "pthread_mutex_init": "ptr, ptr",
    "pthread_mutex_lock": "ptr",
    "pthread_mutex_unlock": "ptr",
    "pthread_cond_init": "ptr, ptr",
    "pthread_cond_wait": "ptr, ptr",
    "pthread_cond_signal": "ptr",
    "pthread_cond_broadcast": "ptr",
    "pthread_sigmask": "i32, ptr, ptr",
    "sigfillset": "ptr",
    "sigdelset": "ptr, i32",
    "sched_yield": "",
}
REQUIRED = tuple(_DECLARATIONS)
"""What it asks of the system."""

# What is written together lies together: each row has cache lines of its own. 128 bytes are one
# line on Apple's processors, and the two that Intel's fetch together.
_LINE = 128
_STATE = {
    "job": ("task", "context", "remaining", "pending"),
    "joining": ("caller_sleeps",),
    "turn": ("busy",),
    "crew": ("size", "workers", "sleepers", "patience", "spell"),
    # pthread_mutex_t and pthread_cond_t have at most 64 bytes, on Linux and on macOS.
    "mutex": (),
    "work": (),
    "done": (),
}
# What a processor is told in a loop that waits, by the beginning of the target's name.
_PAUSE = {
    "x86_64": "@llvm.x86.sse2.pause()",
    "aarch64": "@llvm.aarch64.isb(i32 15)",
    "arm64": "@llvm.aarch64.isb(i32 15)",
}
# SIG_SETMASK, and SIGBUS, which as SIGILL, SIGFPE and SIGSEGV tells of a mistake of the thread.
_SYSTEM = {"linux": {"set_mask": 2, "bus": 7}, "darwin": {"set_mask": 3, "bus": 10}}

_ALONE = """
define internal void @run_alone(ptr %task, ptr %context, i64 %chunks) {
entry:
  %any = icmp sgt i64 %chunks, 0
  br i1 %any, label %loop, label %end
loop:
  %chunk = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void %task(ptr %context, i64 %chunk)
  %next = add i64 %chunk, 1
  %more = icmp slt i64 %next, %chunks
  br i1 %more, label %loop, label %end
end:
  ret void
}
"""

_WITHOUT_THREADS = """
define void @gradc_parallel(ptr %task, ptr %context, i64 %chunks) {
  call void @run_alone(ptr %task, ptr %context, i64 %chunks)
  ret void
}
define void @gradc_pool_reset() {
  ret void
}
define void @gradc_pool_resize(i64 %size) {
  ret void
}
define void @gradc_pool_patience(i64 %pauses) {
  ret void
}
define void @gradc_pool_pause(i64 %pauses) {
  ret void
}
define i64 @gradc_pool_workers() {
  ret i64 0
}
"""

_SETTINGS = """
$declarations
define void @gradc_pool_reset() {
  store atomic i64 0, ptr $busy seq_cst, align 8
  store atomic i64 0, ptr $remaining seq_cst, align 8
  store atomic i64 0, ptr $pending seq_cst, align 8
  store atomic i64 0, ptr $caller_sleeps seq_cst, align 8
  store atomic i64 0, ptr $workers seq_cst, align 8
  store atomic i64 0, ptr $sleepers seq_cst, align 8
  call i32 @pthread_mutex_init(ptr @mutex, ptr null)
  call i32 @pthread_cond_init(ptr @work, ptr null)
  call i32 @pthread_cond_init(ptr @done, ptr null)
  ret void
}

define void @gradc_pool_resize(i64 %size) {
  call i32 @pthread_mutex_lock(ptr @mutex)
  store atomic i64 %size, ptr $size seq_cst, align 8
  call i32 @pthread_cond_broadcast(ptr @work)  ; those that are too many end when they are awake
  call i32 @pthread_mutex_unlock(ptr @mutex)
  ret void
}

define void @gradc_pool_patience(i64 %pauses) {
  %spell = sdiv i64 %pauses, 4
  store atomic i64 %spell, ptr $spell monotonic, align 8
  store atomic i64 %pauses, ptr $patience monotonic, align 8
  ret void
}

define i64 @gradc_pool_workers() {
  %workers = load atomic i64, ptr $workers monotonic, align 8
  ret i64 %workers
}

; The next pause of somebody who waits; return how many that makes. A few times until one sleeps,
; let others run: where cores have other work, the caller may wait for this very one. Measured on
; two busy cores: without this, jobs of 5 us took up to three times as long as by one thread.
define internal i64 @pause(i64 %pauses) {
  $pause
  %more = add i64 %pauses, 1
  %spell = load atomic i64, ptr $spell monotonic, align 8
  %divisor = call i64 @llvm.smax.i64(i64 %spell, i64 1)
  %rest = srem i64 %more, %divisor
  %over = icmp eq i64 %rest, 0
  br i1 %over, label %yield, label %end
yield:
  call i32 @sched_yield()
  br label %end
end:
  ret i64 %more
}

define void @gradc_pool_pause(i64 %pauses) {
entry:
  br label %loop
loop:
  %count = phi i64 [ 0, %entry ], [ %more, %loop ]
  %seen = load atomic i64, ptr $remaining monotonic, align 8  ; as one who waits does
  %more = call i64 @pause(i64 %count)
  %go_on = icmp slt i64 %more, %pauses
  br i1 %go_on, label %loop, label %end
end:
  ret void
}
"""

# A caller: publish the job, wake workers if too few are awake, take part, wait for the others.
_CALLER = """
define void @gradc_parallel(ptr %task, ptr %context, i64 %chunks) {
  %size = load atomic i64, ptr $size monotonic, align 8
  %threads = call i64 @llvm.smin.i64(i64 %size, i64 %chunks)
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %try, label %alone
try:
  %before = cmpxchg ptr $busy, i64 0, i64 1 acquire monotonic
  %free = extractvalue { i64, i1 } %before, 1
  br i1 %free, label %mine, label %alone
alone:
  call void @run_alone(ptr %task, ptr %context, i64 %chunks)
  ret void
mine:
  %helpers = sub i64 %threads, 1
  %others = sub i64 %chunks, 1
  %unclaimed = or i64 %others, $front  ; chunk 0 is the caller's
  %workers = load atomic i64, ptr $workers monotonic, align 8
  %few = icmp slt i64 %workers, %helpers
  br i1 %few, label %grow, label %publish
grow:
  call void @grow(i64 %helpers)
  br label %publish
publish:
  store ptr %task, ptr $task
  store ptr %context, ptr $context
  store atomic i64 %chunks, ptr $pending monotonic, align 8
  store atomic i64 %unclaimed, ptr $remaining seq_cst, align 8
  %sleepers = load atomic i64, ptr $sleepers seq_cst, align 8
  %asleep = icmp sgt i64 %sleepers, 0
  br i1 %asleep, label %rouse, label %work
rouse:
  %crew = load atomic i64, ptr $workers monotonic, align 8
  %awake = sub i64 %crew, %sleepers
  %lacking = icmp slt i64 %awake, %helpers
  br i1 %lacking, label %wake, label %work
wake:
  call i32 @pthread_mutex_lock(ptr @mutex)
  call i32 @pthread_cond_signal(ptr @work)
  call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %work
work:
  call void %task(ptr %context, i64 0)
  %more = call i64 @run_chunks(i1 true)
  %ran = add i64 %more, 1
  %shared = icmp slt i64 %ran, %chunks
  br i1 %shared, label %join, label %end
join:
  call void @join(i64 %ran)
  br label %end
end:
  store atomic i64 0, ptr $busy release, align 8
  ret void
}
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

; Claim chunks and run them while there are any, from the front or from the back; return how many.
define internal i64 @run_chunks(i1 %in_front) {
entry:
  %step = select i1 %in_front, i64 $from_front, i64 -1
  br label %claim
claim:
  %ran = phi i64 [ 0, %entry ], [ %more, %run ]
  %seen = load atomic i64, ptr $remaining monotonic, align 8  ; if none is left, leave it others'
  %seen_left = trunc i64 %seen to i32
  %open = icmp sgt i32 %seen_left, 0
  br i1 %open, label %try, label %end
try:
  %before = atomicrmw add ptr $remaining, i64 %step seq_cst
  %left = trunc i64 %before to i32
  %claimed = icmp sgt i32 %left, 0
  br i1 %claimed, label %run, label %end
run:
  %task = load ptr, ptr $task
  %context = load ptr, ptr $context
  %first = lshr i64 %before, 32
  %others = add i32 %left, -1
  %distance = zext i32 %others to i64
  %last = add i64 %first, %distance
  %chunk = select i1 %in_front, i64 %first, i64 %last
  call void %task(ptr %context, i64 %chunk)
  %more = add i64 %ran, 1
  %is_over = icmp eq i32 %left, 1
  br i1 %is_over, label %done, label %claim
done:
  ret i64 %more
end:
  ret i64 %ran
}

; Wait until nothing is pending but what the caller ran, at first without the system. Less will do:
; so a child that was forked within a job ends.
define internal void @join(i64 %ran) {
entry:
  %patience = load atomic i64, ptr $patience monotonic, align 8
  br label %spin
spin:
  %pauses = phi i64 [ 0, %entry ], [ %more, %pause ]
  %pending = load atomic i64, ptr $pending acquire, align 8
  %open = icmp sgt i64 %pending, %ran
  br i1 %open, label %pause, label %end
pause:
  %more = call i64 @pause(i64 %pauses)
  %patient = icmp slt i64 %more, %patience
  br i1 %patient, label %spin, label %sleep
sleep:
  call i32 @pthread_mutex_lock(ptr @mutex)
  store atomic i64 1, ptr $caller_sleeps seq_cst, align 8
  %before = atomicrmw sub ptr $pending, i64 %ran seq_cst
  br label %check
check:
  %due = load atomic i64, ptr $pending seq_cst, align 8
  %still = icmp sgt i64 %due, 0
  br i1 %still, label %wait, label %awake
wait:
  call i32 @pthread_cond_wait(ptr @done, ptr @mutex)
  br label %check
awake:
  store atomic i64 0, ptr $caller_sleeps seq_cst, align 8
  call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %end
end:
  ret void
}
"""


def pool_text(target: Target, threads: bool = True) -> str:
    """Return the module of the pool as LLVM's text; it defines ``EXPORTS``.

    Args:
        target: The machine.
        threads: Whether its system has POSIX threads; without, every caller works alone.
    """
    if not threads:
        return _ALONE + _WITHOUT_THREADS
    pause = next((_PAUSE[name] for name in _PAUSE if target.triple.startswith(name)), None)
    is_darwin = "darwin" in target.triple or "macos" in target.triple
    names: dict[str, object] = {
        "pause": f"call void {pause}" if pause else "",
        "declarations": "\n".join(
            f"declare i32 @{name}({operands})" for name, operands in _DECLARATIONS.items()
        ),
        "front": 1 << 32,
        "from_front": (1 << 32) - 1,
        **_SYSTEM["darwin" if is_darwin else "linux"],
    }
    state = []
    for row, fields in _STATE.items():
        state.append(f"@{row} = internal global [{_LINE} x i8] zeroinitializer, align {_LINE}\n")
        for i, field in enumerate(fields):
            names[field] = f"getelementptr (i8, ptr @{row}, i64 {8 * i})"
    text = Template(_SETTINGS + _CALLER + CREW).substitute(names)
    return "".join(state) + _ALONE + text
