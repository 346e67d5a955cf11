/** Long work on the server, watched until it ends. It goes on when nobody watches; after a reload it is found again by its id. */
import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from "vue";

import { NoAnswer, get, write } from "./api";
import { wordsOf } from "./complain";
import type { Job } from "./types";

const SOON_MS = 700;
const LATER_MS = 3000;

export interface Watched {
  job: Ref<Job | null>;
  /** Why it can no longer be watched, in words. */
  wrong: Ref<string>;
  running: ComputedRef<boolean>;
  /** From 0 to 1; 0 while nobody knows how much there is. */
  share: ComputedRef<number>;
  watch: (id: string) => Promise<void>;
  cancel: () => Promise<void>;
  forget: () => void;
}

/**
 * `ended` is called once, when the job has ended or is not to be found. `kept` names where this window remembers what it
 * watches, so that it goes on after a reload.
 */
export function useJob(ended: (job: Job | null) => void, kept = ""): Watched {
  const job = ref<Job | null>(null);
  const wrong = ref("");
  const running = computed(() => job.value?.state === "queued" || job.value?.state === "running");
  const share = computed(() => (job.value?.total ? Math.min(1, job.value.done / job.value.total) : 0));
  let timer = 0;
  let watched = "";

  async function look(id: string): Promise<void> {
    if (watched !== id) return;
    try {
      const now = await get<Job>(`jobs/${id}`);
      if (watched !== id) return;
      job.value = now;
      if (running.value) timer = window.setTimeout(() => void look(id), SOON_MS);
      else end(now);
    } catch (error) {
      if (watched !== id) return;
      if (error instanceof NoAnswer) timer = window.setTimeout(() => void look(id), LATER_MS);
      else {
        wrong.value = wordsOf(error);
        end(null);
      }
    }
  }
  function end(now: Job | null): void {
    if (kept) sessionStorage.removeItem(kept);
    ended(now);
  }
  function watch(id: string): Promise<void> {
    forget();
    watched = id;
    if (kept) sessionStorage.setItem(kept, id);
    return look(id);
  }
  async function cancel(): Promise<void> {
    if (!job.value) return;
    try {
      await write("POST", `jobs/${job.value.id}/cancel`, {});
    } catch (error) {
      wrong.value = wordsOf(error);
    }
  }
  function forget(): void {
    watched = "";
    window.clearTimeout(timer);
    job.value = null;
    wrong.value = "";
  }
  onScopeDispose(forget);
  const before = kept ? sessionStorage.getItem(kept) : null;
  if (before) void watch(before);
  return { job, wrong, running, share, watch, cancel, forget };
}
