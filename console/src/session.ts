/** Who is signed in, where, and how to sign in again without losing the page. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { Refused, get, settings, write } from "./api";
import type { Session } from "./types";

export const useSession = defineStore("session", () => {
  const session = ref<Session | null>(null);
  const known = ref(false);
  /** True while the sign-in sheet lies over a page whose session ended. */
  const expired = ref(false);
  let waiting: ((again: boolean) => void)[] = [];

  const user = computed(() => session.value?.user ?? null);
  const enterprise = computed(() => session.value?.enterprise ?? null);
  /** Names a person in an enterprise, for what is kept in this browser. */
  const place = computed(() => `${enterprise.value?.id ?? "-"}.${user.value?.id ?? "-"}`);

  async function load(): Promise<Session | null> {
    try {
      session.value = await get<Session>("session", {}, { quiet: true });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      session.value = null;
    }
    known.value = true;
    return session.value;
  }

  /** Whoever waits for a proof that it is still the same person; one dialog serves them all. */
  const proving = ref(false);
  let asking: ((proven: boolean) => void)[] = [];

  /** After the server has opened a session, whatever the way: where one was, if that is still theirs. */
  async function signedIn(): Promise<void> {
    const before = enterprise.value;
    await load();
    if (expired.value && before && session.value?.enterprise?.id !== before.id
      && session.value?.enterprises.some((one) => one.id === before.id)) await enter(before.id);
    if (!session.value?.first_password && !session.value?.enterprise && session.value?.enterprises.length === 1 && session.value.enterprises[0]) {
      await enter(session.value.enterprises[0].id);
    }
    settle(true);
  }

  async function signOut(everywhere = false): Promise<void> {
    await write("DELETE", "session", undefined, { quiet: true, query: everywhere ? { everywhere: 1 } : {} });
    session.value = null;
  }

  async function enter(id: string): Promise<void> {
    await write("PUT", "session/enterprise", { enterprise: id });
    await load();
  }

  function settle(again: boolean): void {
    expired.value = false;
    for (const resolve of waiting) resolve(again);
    waiting = [];
  }

  /** Every request that met a 401 waits here for one sign-in. */
  function signInAgain(): Promise<boolean> {
    if (!session.value) return Promise.resolve(false);
    expired.value = true;
    return new Promise((resolve) => waiting.push(resolve));
  }

  function proved(proven: boolean): void {
    proving.value = false;
    for (const resolve of asking) resolve(proven);
    asking = [];
  }

  function proveAgain(): Promise<boolean> {
    proving.value = true;
    return new Promise((resolve) => asking.push(resolve));
  }

  settings.signIn = signInAgain;
  settings.prove = proveAgain;
  return { session, known, expired, proving, user, enterprise, place, load, signedIn, signOut, enter, settle, proved };
});
