//! Memory pages: large ones for what is probed at random, where every small page would cost a walk of its own.

/// Less than this is not worth asking for: the system's large pages have 2 MiB.
#[cfg(target_os = "linux")]
const LEAST: usize = 4 << 20;

/// Asks the system to hold `memory` in large pages. It may do so or not; what the memory holds stays the same.
pub(crate) fn prefer_large<T>(memory: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let start = (memory.as_ptr() as usize).next_multiple_of(PAGE);
        let end = memory.as_ptr() as usize + size_of_val(memory);
        if end.saturating_sub(start) >= LEAST {
            // SAFETY: whole pages within one living allocation; the advice changes how they are mapped, not their bytes.
            let _ = unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}
