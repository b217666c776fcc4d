"""The workers of the pool of threads, as LLVM's text; see ``pool``."""

from __future__ import annotations

# A worker looks for chunks, sleeps if there are none for long, ends if there are too many workers.
CREW = """
; Make workers until there are so many. They take no signal that is meant for the process. If the
; system refuses, the pool stays as it is until it is resized again.
define internal void @grow(i64 %helpers) noinline {
  %thread = alloca ptr
  %all = alloca [128 x i8], align 16  ; sigset_t
  %before = alloca [128 x i8], align 16
  call i32 @sigfillset(ptr %all)
  call i32 @sigdelset(ptr %all, i32 4)
  call i32 @sigdelset(ptr %all, i32 $bus)
  call i32 @sigdelset(ptr %all, i32 8)
  call i32 @sigdelset(ptr %all, i32 11)
  call i32 @pthread_mutex_lock(ptr @mutex)
  call i32 @pthread_sigmask(i32 $set_mask, ptr %all, ptr %before)
  br label %check
check:
  %workers = load atomic i64, ptr $workers monotonic, align 8
  %one_more = add i64 %workers, 1
  %few = icmp slt i64 %workers, %helpers
  br i1 %few, label %create, label %end
create:
  %code = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr null)
  %created = icmp eq i32 %code, 0
  br i1 %created, label %count, label %refused
count:
  %handle = load ptr, ptr %thread
  call i32 @pthread_detach(ptr %handle)
  store atomic i64 %one_more, ptr $workers monotonic, align 8
  br label %check
refused:
  store atomic i64 %one_more, ptr $size monotonic, align 8
  br label %end
end:
  call i32 @pthread_sigmask(i32 $set_mask, ptr %before, ptr null)
  call i32 @pthread_mutex_unlock(ptr @mutex)
  ret void
}

define internal ptr @worker(ptr %unused) {
entry:
  br label %hunt
hunt:
  %pauses = phi i64 [ 0, %entry ], [ %more, %pause ], [ 0, %report ], [ 0, %tired ], [ 0, %stay ]
  %remaining = load atomic i64, ptr $remaining monotonic, align 8
  %left = trunc i64 %remaining to i32
  %found = icmp sgt i32 %left, 0
  br i1 %found, label %work, label %idle
work:
  %ran = call i64 @run_chunks(i1 false)
  %some = icmp sgt i64 %ran, 0
  br i1 %some, label %report, label %idle
report:
  call void @report(i64 %ran)
  br label %hunt
idle:
  %surplus = call i1 @is_surplus()
  br i1 %surplus, label %leave, label %pause
pause:
  %more = call i64 @pause(i64 %pauses)
  %patience = load atomic i64, ptr $patience monotonic, align 8
  %patient = icmp slt i64 %more, %patience
  br i1 %patient, label %hunt, label %tired
tired:
  call void @sleep()
  br label %hunt
leave:
  call i32 @pthread_mutex_lock(ptr @mutex)
  %still = call i1 @is_surplus()
  br i1 %still, label %end, label %stay
stay:
  call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %hunt
end:
  %workers = load atomic i64, ptr $workers monotonic, align 8
  %fewer = sub i64 %workers, 1
  store atomic i64 %fewer, ptr $workers monotonic, align 8
  call i32 @pthread_mutex_unlock(ptr @mutex)
  ret ptr null
}

define internal i1 @is_surplus() {
  %workers = load atomic i64, ptr $workers monotonic, align 8
  %size = load atomic i64, ptr $size monotonic, align 8
  %surplus = icmp sge i64 %workers, %size
  ret i1 %surplus
}

define internal void @report(i64 %ran) {
  %before = atomicrmw sub ptr $pending, i64 %ran seq_cst
  %last = icmp eq i64 %before, %ran
  br i1 %last, label %finished, label %end
finished:
  %sleeps = load atomic i64, ptr $caller_sleeps seq_cst, align 8
  %asleep = icmp ne i64 %sleeps, 0
  br i1 %asleep, label %wake, label %end
wake:
  call i32 @pthread_mutex_lock(ptr @mutex)
  call i32 @pthread_cond_signal(ptr @done)
  call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %end
end:
  ret void
}

; Sleep until there is work. Who is woken wakes two others: so the caller pays for one call of the
; system. Who finds nothing any more looks on for a while: that job may be the first of many.
define internal void @sleep() noinline {
  call i32 @pthread_mutex_lock(ptr @mutex)
  %others = atomicrmw add ptr $sleepers, i64 1 seq_cst
  %surplus = call i1 @is_surplus()
  %remaining = load atomic i64, ptr $remaining seq_cst, align 8
  %left = trunc i64 %remaining to i32
  %found = icmp sgt i32 %left, 0
  %stay = or i1 %found, %surplus
  br i1 %stay, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr @work, ptr @mutex)
  br label %awake
awake:
  %sleepers = atomicrmw sub ptr $sleepers, i64 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr @mutex)
  %rest = load atomic i64, ptr $remaining seq_cst, align 8
  %left_now = trunc i64 %rest to i32
  %open = icmp sgt i32 %left_now, 0
  %several = icmp sgt i64 %sleepers, 1
  %useful = and i1 %open, %several
  br i1 %useful, label %wake, label %end
wake:
  call i32 @pthread_cond_signal(ptr @work)
  call i32 @pthread_cond_signal(ptr @work)
  br label %end
end:
  ret void
}
"""
