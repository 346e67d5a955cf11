/** The page's own place: its tab, its address, whether it is being looked at. Provided by the shell for each tab. */
import { computed, inject, provide, type ComputedRef, type InjectionKey } from "vue";
import { useRouter } from "vue-router";

import { useTabs, type Tab } from "./tabs";

export interface Place {
  id: string;
  tab: ComputedRef<Tab | null>;
  active: ComputedRef<boolean>;
  query: ComputedRef<Record<string, string>>;
  /** Change the query of this page, in the address bar too when it is the one shown. */
  setQuery: (query: Record<string, string>) => void;
  /** The page is now about something else (a new document got its number): same tab, new address. */
  become: (path: string) => void;
  title: (text: string) => void;
  dirty: (on: boolean) => void;
  /** There is nothing here to come back to. */
  lose: () => void;
  close: () => void;
}

const KEY: InjectionKey<Place> = Symbol("place");

export function providePlace(id: string): Place {
  const tabs = useTabs();
  const router = useRouter();
  const tab = computed(() => tabs.tabs.find((one) => one.id === id) ?? null);
  const active = computed(() => tabs.current === id);
  const place: Place = {
    id, tab, active,
    query: computed(() => tab.value?.query ?? {}),
    setQuery(query) {
      tabs.update(id, { query });
      if (active.value && tab.value) void router.replace({ path: tab.value.path, query });
    },
    become(path) {
      const other = tabs.tabs.find((one) => one.path === path && one.id !== id);
      if (other) tabs.close(other.id);
      tabs.update(id, { path, query: {} });
      if (active.value) void router.replace(path);
    },
    title: (text) => tabs.update(id, { title: text }),
    dirty: (on) => {
      if (tab.value && tab.value.dirty !== on) tabs.update(id, { dirty: on });
    },
    lose: () => tabs.update(id, { lost: true }),
    close() {
      const next = tabs.close(id);
      if (next) void router.push({ path: next.path, query: next.query });
      else if (!tabs.tabs.length) void router.push("/");
    },
  };
  provide(KEY, place);
  return place;
}

export function usePlace(): Place {
  const place = inject(KEY);
  if (!place) throw new Error("A page is shown in a tab.");
  return place;
}
