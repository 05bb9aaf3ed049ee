"""From a user's query to ranked answers; nothing on this floor needs torch unless an engine of that kind is chosen."""
