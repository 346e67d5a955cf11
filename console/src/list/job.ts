/** Long work that a worker does: followed until it ends, found again after a reload, stopped when somebody wants. */
import { computed, onScopeDispose, ref } from "vue";

import { NoAnswer, get, write } from "@/api";
import { wordsOf } from "@/complain";
import type { Job } from "@/types";

const POLL_MS = 700;
const AWAY_MS = 3000;

/** `kept` names the place where this browser window remembers the job; `ended` is called once it is over. */
export function useJob(kept: string, ended: (job: Job) => void) {
  const job = ref<Job | null>(null);
  const wrong = ref("");
  const running = computed(() => job.value?.state === "queued" || job.value?.state === "running");
  const share = computed(() => (job.value?.total ? Math.min(1, job.value.done / job.value.total) : 0));
  let timer = 0;
  let alive = true;

  async function follow(id: string): Promise<void> {
    if (!alive) return;
    try {
      job.value = await get<Job>(`jobs/${id}`);
      if (running.value) timer = window.setTimeout(() => void follow(id), POLL_MS);
      else {
        sessionStorage.removeItem(kept);
        ended(job.value);
      }
    } catch (error) {
      if (error instanceof NoAnswer) timer = window.setTimeout(() => void follow(id), AWAY_MS);
      else {
        sessionStorage.removeItem(kept);
        wrong.value = wordsOf(error);
      }
    }
  }
  async function begin(id: string): Promise<void> {
    sessionStorage.setItem(kept, id);
    await follow(id);
  }
  /** Go on with the job this window began before. */
  function resume(): void {
    const id = sessionStorage.getItem(kept);
    if (id) void follow(id);
  }
  async function cancel(): Promise<void> {
    if (job.value) await write("POST", `jobs/${job.value.id}/cancel`, {}).catch((error: unknown) => (wrong.value = wordsOf(error)));
  }
  function forget(): void {
    job.value = null;
    wrong.value = "";
  }
  onScopeDispose(() => {
    alive = false;
    window.clearTimeout(timer);
  });

  return { job, wrong, running, share, begin, resume, cancel, forget };
}
