// Scrolls the current page's name into view on a narrow screen. (scrollIntoView would scroll the page too.)
const current = document.querySelector("header nav .active");
if (current)
  current.parentElement.scrollLeft = current.offsetLeft - (current.parentElement.clientWidth - current.offsetWidth) / 2;
