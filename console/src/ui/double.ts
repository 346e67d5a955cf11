/**
 * The second click of a double click belongs to what the first one met. *Save* turns into *Submit* in its place, a dialog
 * opens under the pointer, a page gives way to another: what has come to lie there meanwhile was not meant, and is not
 * pressed. The same button with the same words, a line more or the next month, may be clicked as fast as one likes.
 */
const PRESSED = "button, a, label, [role=menuitem], [role=option], [role=tab]";

interface Met { what: Element | null; words: string }

function met(event: MouseEvent): Met {
  const what = event.target instanceof Element ? event.target.closest(PRESSED) : null;
  return { what, words: what?.textContent?.trim() ?? "" };
}

/** Hear of every click before anything else does. */
export function guardDoubleClicks(page: Window): void {
  let first: Met = { what: null, words: "" };
  page.addEventListener("click", (event) => {
    const now = met(event);
    if (event.detail < 2) first = now;
    else if (now.what && (now.what !== first.what || now.words !== first.words)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
}
