/** What takes the keyboard: of a panel or a dialog that opens, and of the page once it has closed. */

const FIELDS = ["input:not([type=hidden])", "select", "textarea"].map((one) => `${one}:not(:disabled)`).join(", ");
const CONTROLS = `${FIELDS}, button:not(:disabled), a[href]`;

export function controlsOf(host: ParentNode): HTMLElement[] {
  return [...host.querySelectorAll<HTMLElement>(CONTROLS)].filter((one) => one.tabIndex >= 0);
}

/** Where somebody begins: the first field, or else the first button. */
export function firstOf(host: ParentNode): HTMLElement | null {
  return host.querySelector<HTMLElement>(FIELDS) ?? controlsOf(host)[0] ?? null;
}

/** Remember who has the keyboard. What is returned gives it back, or to what stands where that was. */
export function holder(): () => void {
  const lines: Element[] = [];
  for (let one = document.activeElement; one && one !== document.body; one = one.parentElement) lines.push(one);
  return () => {
    const left = lines.find((one) => one.isConnected);
    const to = left === lines[0] ? left as HTMLElement | undefined : left && firstOf(left);
    to?.focus({ preventScroll: true });
  };
}
