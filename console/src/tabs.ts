/** The work tabs: which pages are open, in which order, each with its own address; restored after a reload. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { newKey } from "./api";

export interface Tab {
  /** Stays the same while the address changes, so that the page behind it stays mounted. */
  id: string;
  path: string;
  query: Record<string, string>;
  title: string;
  dirty: boolean;
  /** There is nothing at this address: the tab goes when another one is looked at, and is not restored. */
  lost?: boolean;
}

const LIMIT = 24;

function read(key: string): Tab[] {
  for (const store of [sessionStorage, localStorage]) {
    try {
      const found: unknown = JSON.parse(store.getItem(key) ?? "null");
      if (Array.isArray(found)) return (found as Tab[]).filter((tab) => typeof tab.path === "string" && typeof tab.id === "string");
    } catch {
      // A damaged entry is as good as none.
    }
  }
  return [];
}

export const useTabs = defineStore("tabs", () => {
  const tabs = ref<Tab[]>([]);
  const current = ref("");
  let key = "";

  const active = computed(() => tabs.value.find((tab) => tab.id === current.value) ?? null);

  function keep(): void {
    if (!key) return;
    const text = JSON.stringify(tabs.value.filter((tab) => !tab.lost));
    sessionStorage.setItem(key, text);
    localStorage.setItem(key, text);
  }

  function restore(place: string): void {
    if (key === `yl.tabs.${place}`) return;
    key = `yl.tabs.${place}`;
    tabs.value = read(key);
    current.value = "";
  }

  function leave(): void {
    key = "";
    tabs.value = [];
    current.value = "";
  }

  /** Show the tab of a path, opening one if there is none. */
  function visit(path: string, query: Record<string, string>): Tab {
    tabs.value = tabs.value.filter((one) => !one.lost || one.path === path);
    let tab = tabs.value.find((one) => one.path === path);
    if (!tab) {
      const spare = tabs.value.length >= LIMIT ? tabs.value.findIndex((one) => !one.dirty && one.path !== "/" && one.id !== current.value) : -1;
      if (spare >= 0) tabs.value.splice(spare, 1);
      const at = tabs.value.findIndex((one) => one.id === current.value);
      tabs.value.splice(at < 0 ? tabs.value.length : at + 1, 0, { id: newKey(), path, query, title: "", dirty: false });
      tab = tabs.value.find((one) => one.path === path) as Tab;
    } else {
      tab.query = query;
    }
    current.value = tab.id;
    keep();
    return tab;
  }

  function update(id: string, change: Partial<Omit<Tab, "id">>): void {
    const tab = tabs.value.find((one) => one.id === id);
    if (!tab) return;
    Object.assign(tab, change);
    keep();
  }

  /** Close a tab; answers where to go when it was the one being looked at. */
  function close(id: string): Tab | null {
    const at = tabs.value.findIndex((one) => one.id === id);
    if (at < 0) return null;
    const was = current.value === id;
    tabs.value.splice(at, 1);
    keep();
    return was ? tabs.value[at] ?? tabs.value[at - 1] ?? null : null;
  }

  function closeOthers(id: string): void {
    tabs.value = tabs.value.filter((tab) => tab.id === id || tab.path === "/" || tab.dirty);
    keep();
  }

  function move(from: number, to: number): void {
    const [tab] = tabs.value.splice(from, 1);
    if (tab) tabs.value.splice(to, 0, tab);
    keep();
  }

  return { tabs, current, active, restore, leave, visit, update, close, closeOthers, move };
});
