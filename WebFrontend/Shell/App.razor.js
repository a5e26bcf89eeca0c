// On a narrow screen the pages' names scroll in one row: the current one is in sight. (scrollIntoView would move the page too.)
const current = document.querySelector("header nav .active");
if (current)
  current.parentElement.scrollLeft = current.offsetLeft - (current.parentElement.clientWidth - current.offsetWidth) / 2;
